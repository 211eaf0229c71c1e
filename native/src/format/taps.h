// Which taps of a kernel lie inside the image, by output position. A term that depends on the
// border is stored for each set of taps, so that it holds at any size of the image.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
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
  // The first output behind this one whose taps may be others. All sets that an axis meets are
  // found by going from one to the next, in about as many steps as there are sets.
  int64_t next_change(int64_t output) const;

 private:
  // Taps before the first one inside the image, and up to the last, in the kernel or not.
  TapRange bounds(int64_t start) const;
};

// Calls visit(taps, first output, output behind the last) for each stretch of outputs whose taps
// are the same, until it returns false. Only [0, 0], which is none, may come several times.
template <typename Visit>
void for_tap_stretches(const Axis& axis, Visit visit) {
  const int64_t outputs = axis.outputs();
  for (int64_t begin = 0; begin < outputs;) {
    const int64_t end = std::min(axis.next_change(begin), outputs);
    if (!visit(axis.taps_inside(begin), begin, end)) return;
    begin = end;
  }
}

// How many different sets there are.
int64_t count_tap_sets(const Axis& axis);

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
