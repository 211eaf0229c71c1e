// The part of a pool's window that lies inside its input.
#pragma once

#include <algorithm>

#include "run/node_context.h"

namespace sbnn {

struct PoolWindow {
  int64_t y, x;           // of the first tap
  int64_t rows, columns;  // taps
};

inline PoolWindow pool_window(const FusedNode& pool, const TensorLayout& input, int64_t y,
                              int64_t x) {
  const int64_t top = y * pool.stride.y - pool.padding.top;
  const int64_t left = x * pool.stride.x - pool.padding.left;
  if (pool.dilation.y == 1 && pool.dilation.x == 1) {
    const int64_t first_row = std::max<int64_t>(top, 0), first_column = std::max<int64_t>(left, 0);
    return {first_row, first_column, std::min(top + pool.kernel.y, input.height) - first_row,
            std::min(left + pool.kernel.x, input.width) - first_column};
  }
  const TapRange rows = pool.row_axis(input.height).taps_inside(y);
  const TapRange columns = pool.column_axis(input.width).taps_inside(x);
  return {top + rows.first * pool.dilation.y, left + columns.first * pool.dilation.x,
          rows.last - rows.first, columns.last - columns.first};
}

}  // namespace sbnn
