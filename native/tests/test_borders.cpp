// Border patterns against asking of every tap whether it lies inside.

#include <algorithm>

#include "check.h"
#include "draws.h"
#include "format/borders.h"

using test::integer;

namespace {

std::vector<bool> taps_of(const sbnn::Axis& axis, int64_t output) {
  std::vector<bool> inside;
  for (int64_t tap = 0; tap < axis.kernel; ++tap) {
    const int64_t at = output * axis.stride - axis.padding + tap * axis.dilation;
    inside.push_back(at >= 0 && at < axis.size);
  }
  return inside;
}

void test_patterns() {
  const sbnn::Axis axis{integer(1, 12), integer(1, 7), integer(1, 5), integer(0, 6), integer(1, 3)};
  const sbnn::AxisPatterns patterns(axis);
  CHECK(static_cast<int64_t>(patterns.by_output.size()) == axis.outputs());
  std::vector<std::vector<bool>> seen;
  for (int64_t output = 0; output < axis.outputs(); ++output) {
    const std::vector<bool> inside = taps_of(axis, output);
    auto found = std::find(seen.begin(), seen.end(), inside);
    if (found == seen.end()) found = seen.insert(found, inside);
    const int64_t number = patterns.by_output[static_cast<size_t>(output)];
    CHECK(number == found - seen.begin());
    const sbnn::TapRange range = patterns.taps[static_cast<size_t>(number)];
    for (int64_t tap = 0; tap < axis.kernel; ++tap) {
      CHECK(inside[static_cast<size_t>(tap)] == (range.first <= tap && tap < range.last));
    }
  }
  CHECK(seen.size() == patterns.taps.size());
}

}  // namespace

int main() {
  for (int i = 0; i < 3000; ++i) test_patterns();
  return test::finish();
}
