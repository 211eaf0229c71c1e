#include "format/borders.h"

#include <algorithm>
#include <map>
#include <utility>

namespace sbnn {

int64_t Axis::outputs() const {
  const int64_t room = size + before + after - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

TapRange Axis::taps_inside(int64_t output) const {
  const int64_t start = output * stride - before;
  const int64_t first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  const int64_t last = start >= size ? 0 : (size - 1 - start) / dilation + 1;
  const TapRange range{std::min(first, kernel), std::clamp<int64_t>(last, 0, kernel)};
  return range.first < range.last ? range : TapRange{0, 0};
}

AxisPatterns::AxisPatterns(const Axis& axis) {
  std::map<std::pair<int64_t, int64_t>, int64_t> numbers;
  for (int64_t i = 0; i < axis.outputs(); ++i) {
    const TapRange range = axis.taps_inside(i);
    const auto next = static_cast<int64_t>(taps.size());
    const auto [found, added] = numbers.emplace(std::make_pair(range.first, range.last), next);
    if (added) taps.push_back(range);
    by_output.push_back(found->second);
  }
}

}  // namespace sbnn
