#include "format/taps.h"

#include <algorithm>
#include <limits>

namespace sbnn {

TapRange Axis::bounds(int64_t start) const {
  const int64_t first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  const int64_t last = start >= size ? 0 : (size - 1 - start) / dilation + 1;
  return {std::min(first, kernel), std::clamp<int64_t>(last, 0, kernel)};
}

TapRange Axis::taps_inside(int64_t output) const {
  const TapRange range = bounds(output * stride - before);
  return range.first < range.last ? range : TapRange{0, 0};
}

// Both bounds only fall as windows move on. The first one falls to first - 1 where that tap comes
// to pixel 0, the last one to last - 1 where tap last - 1 leaves the last pixel.
int64_t Axis::next_change(int64_t output) const {
  const auto [first, last] = bounds(output * stride - before);
  int64_t start = std::numeric_limits<int64_t>::max();
  if (first > 0) start = std::min(start, -(first - 1) * dilation);
  if (last > 0) start = std::min(start, size - (last - 1) * dilation);
  if (start == std::numeric_limits<int64_t>::max()) return start;
  return (start + before + stride - 1) / stride;
}

Axis row_axis(const Node& node, int64_t height) {
  const Sides padding = node.keys.sides(Key::kPadding);
  return {
      height,         node.keys.pair(Key::kKernel).y,  node.keys.pair(Key::kStride).y, padding.top,
      padding.bottom, node.keys.pair(Key::kDilation).y};
}

Axis column_axis(const Node& node, int64_t width) {
  const Sides padding = node.keys.sides(Key::kPadding);
  return {
      width,         node.keys.pair(Key::kKernel).x,  node.keys.pair(Key::kStride).x, padding.left,
      padding.right, node.keys.pair(Key::kDilation).x};
}

int64_t count_tap_sets(const Axis& axis) {
  int64_t some = 0;
  bool none = false;
  for_tap_stretches(axis, [&](TapRange taps, int64_t, int64_t) {
    if (taps == TapRange{}) none = true;
    some += taps == TapRange{} ? 0 : 1;
    return true;
  });
  return some + (none ? 1 : 0);
}

AxisTaps::AxisTaps(const Axis& axis) {
  int64_t none = kNone;  // the place of [0, 0]
  for_tap_stretches(axis, [&](TapRange taps, int64_t, int64_t end) {
    auto place = static_cast<int64_t>(sets.size());
    if (taps == TapRange{} && none != kNone) {
      place = none;
    } else {
      sets.push_back(taps);
    }
    if (taps == TapRange{}) none = place;
    by_output.resize(static_cast<size_t>(end), place);
    return true;
  });
}

}  // namespace sbnn
