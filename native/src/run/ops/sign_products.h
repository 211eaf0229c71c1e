// Products of rows' pixels where both factors are signs.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// Integers of all channels of a tile's pixels, in scratch.tile, tile_step apart. As float32 they
// are what the products of -1 and +1 add up to, in any order.
void multiply_signs(const NodeContext& context, const Tile& tile);

// Calls compute(y, x, count, values) for the pixels of each row of a tile, and where the first
// one's values go.
template <typename Compute>
void for_row_parts(const NodeContext& context, const Tile& tile, Compute compute) {
  const int64_t width = context.node.width;
  int32_t* values = context.scratch.tile.data();
  for (int64_t i = tile.begin, end = tile.begin + tile.count; i < end;) {
    const int64_t count = std::min(end - i, width - i % width);
    compute(i / width, i % width, count, values);
    values += count * context.node.tile_step;
    i += count;
  }
}

}  // namespace sbnn
