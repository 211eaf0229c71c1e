#include "format/taps.h"

#include <algorithm>
#include <map>

namespace sbnn {

TapRange Axis::taps_inside(int64_t output) const {
  const int64_t start = output * stride - before;
  const int64_t first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  const int64_t last = start >= size ? 0 : (size - 1 - start) / dilation + 1;
  const TapRange range{std::min(first, kernel), std::clamp<int64_t>(last, 0, kernel)};
  return range.first < range.last ? range : TapRange{0, 0};
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

AxisTaps::AxisTaps(const Axis& axis) {
  std::map<std::pair<int64_t, int64_t>, int64_t> places;
  for (int64_t output = 0; output < axis.outputs(); ++output) {
    const TapRange range = axis.taps_inside(output);
    const auto next = static_cast<int64_t>(sets.size());
    const auto [found, added] = places.emplace(std::make_pair(range.first, range.last), next);
    if (added) sets.push_back(range);
    by_output.push_back(found->second);
  }
}

}  // namespace sbnn
