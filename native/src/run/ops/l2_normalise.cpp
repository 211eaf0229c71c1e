// A pixel's channels, divided by the length of their vector.

#include <cmath>

#include "kernels/fused.h"
#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {

void l2_normalise(const NodeContext& context, const Tile& tile) {
  const int64_t channels = context.node.channels;
  const float epsilon = context.node.constant(Key::kEpsilon)[0];
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    read_pixel(context, context.spec.input, y, x, values);
    float sum = 0.0f;
    for (int64_t c = 0; c < channels; ++c) sum = fused(values[c], values[c], sum);
    float length = std::sqrt(sum);
    if (length < epsilon) length = epsilon;
    for (int64_t c = 0; c < channels; ++c) values[c] /= length;
  });
}

}  // namespace sbnn
