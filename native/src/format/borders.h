// Border patterns: which rows (or columns) of a kernel lie inside the image, by output position.
#pragma once

#include <cstdint>
#include <vector>

#include "format/graph.h"

namespace sbnn {

// Taps [first, last) of one axis that lie inside the input; 0, 0 for none.
struct TapRange {
  int64_t first, last;
};

// A window's positions along one axis of an input of `size`.
struct Axis {
  int64_t size, kernel, stride, padding, dilation;

  int64_t outputs() const { return output_size(size, kernel, stride, padding, dilation); }
  TapRange taps_inside(int64_t output) const;
};

Axis row_axis(const Node& node, int64_t height);
Axis column_axis(const Node& node, int64_t width);

// The patterns of an axis, numbered in the order of their first appearance.
struct AxisPatterns {
  std::vector<TapRange> taps;
  std::vector<int64_t> by_output;  // the number of each output's

  explicit AxisPatterns(const Axis& axis);
};

}  // namespace sbnn
