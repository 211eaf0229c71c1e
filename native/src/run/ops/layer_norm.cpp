// A pixel's channels less their mean, divided by their standard deviation: both sums ascend.

#include <cmath>

#include "kernels/fused.h"
#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {

void layer_norm(const NodeContext& context, const Tile& tile) {
  const int64_t channels = context.node.channels;
  const auto count = static_cast<float>(channels);
  const float epsilon = context.node.constant(Key::kEpsilon)[0];
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    read_pixel(context, context.spec.input, y, x, values);
    float sum = 0.0f, squares = 0.0f;
    for (int64_t c = 0; c < channels; ++c) sum += values[c];
    const float mean = sum / count;
    for (int64_t c = 0; c < channels; ++c) values[c] -= mean;
    for (int64_t c = 0; c < channels; ++c) squares = fused(values[c], values[c], squares);
    const float variance = squares / count + epsilon;
    const float deviation = std::sqrt(variance < 0.0f ? 0.0f : variance);
    for (int64_t c = 0; c < channels; ++c) values[c] /= deviation;
  });
}

}  // namespace sbnn
