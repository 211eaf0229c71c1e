#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {
namespace {

template <typename T>
void convert(const T* values, int64_t count, float* floats) {
  for (int64_t i = 0; i < count; ++i) floats[i] = static_cast<float>(values[i]);
}

// Pixel i of the image, as float32.
void read_pixels(const NodeContext& context, int64_t i, float* values) {
  const int64_t channels = context.input.channels, first = i * channels;
  const InputArray image = context.image();
  if (image.is_float) {
    convert(static_cast<const float*>(image.data) + first, channels, values);
  } else {
    convert(static_cast<const uint8_t*>(image.data) + first, channels, values);
  }
}

}  // namespace

// Of an image or of bits; reals are read where they lie.
void identity(const NodeContext& context, const Tile& tile) {
  const bool bits = context.input.kind == Kind::kBits;
  float* values = reinterpret_cast<float*>(context.scratch.tile.data());
  for (int64_t i = tile.begin; i < tile.begin + tile.count; ++i, values += context.node.tile_step) {
    if (bits) {
      read_pixel(context, context.spec.input, i / context.node.width, i % context.node.width,
                 values);
    } else {
      read_pixels(context, i, values);
    }
  }
}

}  // namespace sbnn
