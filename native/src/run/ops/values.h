// Values of any tensor as float32, for operations that take them one pixel after the other.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// Channels [first, first + count) of pixel (y, x): pixels and reals as they are, signs as ±1.0.
void read_channels(const NodeContext& context, int tensor, int64_t y, int64_t x, int64_t first,
                   int64_t count, float* values);

inline void read_pixel(const NodeContext& context, int tensor, int64_t y, int64_t x,
                       float* values) {
  read_channels(context, tensor, y, x, 0, context.layout(tensor).channels, values);
}

// Calls fill(y, x, values) for each of a tile's pixels.
template <typename Fill>
void for_pixels(const NodeContext& context, const Tile& tile, Fill fill) {
  const int64_t width = context.node.width;
  auto* values = reinterpret_cast<float*>(context.scratch.tile.data());
  for (int64_t i = tile.begin; i < tile.begin + tile.count; ++i, values += context.node.tile_step) {
    fill(i / width, i % width, values);
  }
}

}  // namespace sbnn
