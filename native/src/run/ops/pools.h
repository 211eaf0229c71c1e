// Pools that do more than leave the reals of a tile.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// A max_pool of a convolution's sums, int32 or float32, that rows hold instead of its reals. For
// `order` see PoolArgs.
struct SumRows {
  const int32_t* first;  // of row 0, if it were there
  int64_t row_step, column_step;
  bool integer;
  const uint32_t* order;
};
void pool_sums(const NodeContext& context, const SumRows& sums, const Tile& tile);

// A max_pool of signs, epilogue and all.
void pool_signs(const NodeContext& context, const Tile& tile);
// The same as ±1.0 in scratch.tile.
void unpack_largest_signs(const NodeContext& context, const Tile& tile);

}  // namespace sbnn
