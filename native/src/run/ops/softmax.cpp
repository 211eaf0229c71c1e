// Exponentials of a pixel's channels, divided by their sum: both reductions ascend.

#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {

void softmax(const NodeContext& context, const Tile& tile) {
  const int64_t channels = context.node.channels;
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    read_pixel(context, context.spec.input, y, x, values);
    float most = values[0];
    for (int64_t c = 1; c < channels; ++c) most = most < values[c] ? values[c] : most;
    for (int64_t c = 0; c < channels; ++c) values[c] -= most;
    context.kernels.exponentials(values, channels);
    float sum = 0.0f;
    for (int64_t c = 0; c < channels; ++c) sum += values[c];
    for (int64_t c = 0; c < channels; ++c) values[c] /= sum;
  });
}

}  // namespace sbnn
