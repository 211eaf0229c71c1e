#include "run/ops/values.h"

#include <cstring>

namespace sbnn {
namespace {

template <typename T>
void convert(const T* values, int64_t count, float* floats) {
  for (int64_t i = 0; i < count; ++i) floats[i] = static_cast<float>(values[i]);
}

}  // namespace

void read_channels(const NodeContext& context, int tensor, int64_t y, int64_t x, int64_t first,
                   int64_t count, float* values) {
  const TensorLayout& layout = context.layout(tensor);
  if (layout.kind == Kind::kImage) {
    const InputArray image = context.frame.image(tensor, layout.pixels() * layout.channels);
    const int64_t at = (y * layout.width + x) * layout.channels + first;
    if (image.is_float) {
      convert(static_cast<const float*>(image.data) + at, count, values);
    } else {
      convert(static_cast<const uint8_t*>(image.data) + at, count, values);
    }
    return;
  }
  const uint8_t* const pixel = context.frame.tensor(tensor) + layout.at(y, x);
  if (layout.kind == Kind::kReal) {
    std::memcpy(values, reinterpret_cast<const float*>(pixel) + first,
                static_cast<size_t>(count) * sizeof(float));
    return;
  }
  layout.bits.unpack(pixel, first, count, values);
}

}  // namespace sbnn
