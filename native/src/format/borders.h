// Border patterns: which rows (or columns) of a kernel lie inside the image, by output position.
#pragma once

#include <cstdint>
#include <vector>

namespace sbnn {

// Taps [first, last) of one axis that lie inside the input; 0, 0 for none.
struct TapRange {
  int64_t first, last;

  bool operator==(const TapRange& other) const {
    return first == other.first && last == other.last;
  }
};

// A window's positions along one axis of an input of `size`, with padding before and after it.
struct Axis {
  int64_t size, kernel, stride, before, after, dilation;

  int64_t outputs() const;  // 0 where the window does not fit
  TapRange taps_inside(int64_t output) const;
};

// The patterns of an axis, numbered in the order of their first appearance.
struct AxisPatterns {
  std::vector<TapRange> taps;
  std::vector<int64_t> by_output;  // the number of each output's

  explicit AxisPatterns(const Axis& axis);
};

}  // namespace sbnn
