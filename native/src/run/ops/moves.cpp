// Operations that move values and round nothing: where each pixel's channels come from.

#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {

void flatten(const NodeContext& context, const Tile& tile) {
  const TensorLayout& input = context.input;
  for_pixels(context, tile, [&](int64_t, int64_t, float* values) {
    for (int64_t y = 0; y < input.height; ++y) {
      for (int64_t x = 0; x < input.width; ++x, values += input.channels) {
        read_pixel(context, context.spec.input, y, x, values);
      }
    }
  });
}

void concat(const NodeContext& context, const Tile& tile) {
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    read_pixel(context, context.spec.input, y, x, values);
    values += context.input.channels;
    for (const int tensor : context.spec.more_inputs) {
      read_pixel(context, tensor, y, x, values);
      values += context.layout(tensor).channels;
    }
  });
}

void slice(const NodeContext& context, const Tile& tile) {
  const int64_t first = context.spec.keys.integer(Key::kFirst);
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    read_channels(context, context.spec.input, y, x, first, context.node.channels, values);
  });
}

void upsample(const NodeContext& context, const Tile& tile) {
  const Pair factor = context.spec.keys.pair(Key::kFactor);
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    read_pixel(context, context.spec.input, y / factor.y, x / factor.x, values);
  });
}

// Channel c·block² + dy·block + dx of (y, x) is channel c of (y·block + dy, x·block + dx).
void space_to_depth(const NodeContext& context, const Tile& tile) {
  const int64_t block = context.spec.keys.integer(Key::kBlock), area = block * block;
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    for (int64_t c = 0; c < context.node.channels; ++c) {
      const int64_t dy = c % area / block, dx = c % block;
      read_channels(context, context.spec.input, y * block + dy, x * block + dx, c / area, 1,
                    values + c);
    }
  });
}

void depth_to_space(const NodeContext& context, const Tile& tile) {
  const int64_t block = context.spec.keys.integer(Key::kBlock), area = block * block;
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    const int64_t within = y % block * block + x % block;
    for (int64_t c = 0; c < context.node.channels; ++c) {
      read_channels(context, context.spec.input, y / block, x / block, c * area + within, 1,
                    values + c);
    }
  });
}

}  // namespace sbnn
