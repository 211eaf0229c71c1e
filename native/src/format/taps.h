// Which taps of a kernel lie inside the image, by output position. A term that depends on the
// border is stored for each set of taps, so that it holds at any size of the image.
#pragma once

#include <cstdint>
#include <vector>

#include "format/graph.h"

namespace sbnn {

// Windows along one axis of an input of `size`, with padding before and after it.
struct Axis {
  int64_t size, kernel, stride = 1, before = 0, after = 0, dilation = 1;

  // What is left of the padded input behind the first window; negative where that does not fit.
  int64_t room() const { return size + before + after - dilation * (kernel - 1) - 1; }
  // Windows that fit, one for each output; 0 where not even one does.
  int64_t outputs() const { return room() < 0 ? 0 : room() / stride + 1; }
  TapRange taps_inside(int64_t output) const;
};

// Of a node's kernel, stride, padding and dilation.
Axis row_axis(const Node& node, int64_t height);
Axis column_axis(const Node& node, int64_t width);

// The sets of taps that an axis's windows meet, in the order of their first appearance.
struct AxisTaps {
  std::vector<TapRange> sets;
  std::vector<int64_t> by_output;  // the place in `sets` of each output's

  explicit AxisTaps(const Axis& axis);
};

}  // namespace sbnn
