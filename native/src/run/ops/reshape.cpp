// Values that keep their order, row, column, channel, or change columns for channels.

#include <algorithm>

#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {

// Channel c of (y, x) is channel x of (y, c); of whole pixels (y, x) is (x, y).
void transpose(const NodeContext& context, const Tile& tile) {
  const bool whole = context.spec.keys.flag(Key::kWholePixels);
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    if (whole) return read_pixel(context, context.spec.input, x, y, values);
    for (int64_t c = 0; c < context.node.channels; ++c) {
      read_channels(context, context.spec.input, y, c, x, 1, values + c);
    }
  });
}

void reshape(const NodeContext& context, const Tile& tile) {
  const TensorLayout& input = context.input;
  const int64_t channels = context.node.channels;
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    int64_t place = (y * context.node.width + x) * channels;
    for (int64_t left = channels; left > 0;) {
      const int64_t pixel = place / input.channels, first = place % input.channels;
      const int64_t count = std::min(left, input.channels - first);
      read_channels(context, context.spec.input, pixel / input.width, pixel % input.width, first,
                    count, values);
      values += count;
      place += count;
      left -= count;
    }
  });
}

}  // namespace sbnn
