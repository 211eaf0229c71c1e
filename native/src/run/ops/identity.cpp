#include <cstring>

#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {
namespace {

template <typename T>
void convert(const T* values, int64_t count, float* floats) {
  for (int64_t i = 0; i < count; ++i) floats[i] = static_cast<float>(values[i]);
}

// Pixels follow each other in both, if they are whole vectors.
void copy_reals(const NodeContext& context, const Tile& tile) {
  const auto channels = static_cast<size_t>(context.input.channels);
  const auto step = static_cast<size_t>(context.node.tile_step);
  const auto count = static_cast<size_t>(tile.count);
  auto* const values = reinterpret_cast<float*>(context.scratch.tile.data());
  const float* const first =
      context.reals(context.spec.input) + tile.begin * context.input.channels;
  if (step == channels) {
    std::memcpy(values, first, count * channels * sizeof(float));
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    std::memcpy(values + i * step, first + i * channels, channels * sizeof(float));
  }
}

// Pixel i of the image or of reals, as float32.
void read_value(const NodeContext& context, int64_t i, float* values) {
  const int64_t channels = context.input.channels, first = i * channels;
  if (context.input.kind == Kind::kReal) {
    convert(context.reals(context.spec.input) + first, channels, values);
    return;
  }
  const InputArray image = context.image();
  if (image.is_float) {
    convert(static_cast<const float*>(image.data) + first, channels, values);
  } else {
    convert(static_cast<const uint8_t*>(image.data) + first, channels, values);
  }
}

}  // namespace

void identity(const NodeContext& context, const Tile& tile) {
  if (context.input.kind == Kind::kReal && context.spec.map == kNone)
    return copy_reals(context, tile);
  const int map = context.spec.map;
  const bool bits = context.input.kind == Kind::kBits;
  float* values = reinterpret_cast<float*>(context.scratch.tile.data());
  for (int64_t i = tile.begin; i < tile.begin + tile.count; ++i, values += context.node.tile_step) {
    if (bits) {
      read_pixel(context, context.spec.input, i / context.node.width, i % context.node.width,
                 values);
    } else {
      read_value(context, i, values);
    }
    if (map == kNone) continue;
    const float factor = context.reals(map)[i];
    for (int64_t c = 0; c < context.input.channels; ++c) values[c] *= factor;
  }
}

}  // namespace sbnn
