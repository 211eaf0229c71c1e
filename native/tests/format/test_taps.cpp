// Sets of taps against asking of every tap whether it lies inside the image.

#include <algorithm>

#include "check.h"
#include "draws.h"
#include "format/taps.h"

using test::integer;

namespace {

// Windows are placed one by one in the padded input.
int64_t windows_of(const sbnn::Axis& axis) {
  int64_t count = 0;
  const int64_t reach = axis.dilation * (axis.kernel - 1);
  for (int64_t at = -axis.before; at + reach < axis.size + axis.after; at += axis.stride) ++count;
  return count;
}

std::vector<bool> taps_of(const sbnn::Axis& axis, int64_t window) {
  std::vector<bool> inside;
  for (int64_t tap = 0; tap < axis.kernel; ++tap) {
    const int64_t at = window * axis.stride - axis.before + tap * axis.dilation;
    inside.push_back(at >= 0 && at < axis.size);
  }
  return inside;
}

void test_axis(const sbnn::Axis& axis) {
  CHECK(axis.outputs() == windows_of(axis));
  const sbnn::AxisTaps taps(axis);
  CHECK(static_cast<int64_t>(taps.by_output.size()) == axis.outputs());
  std::vector<std::vector<bool>> seen;
  for (int64_t window = 0; window < axis.outputs(); ++window) {
    const std::vector<bool> inside = taps_of(axis, window);
    auto found = std::find(seen.begin(), seen.end(), inside);
    if (found == seen.end()) found = seen.insert(found, inside);
    const int64_t place = taps.by_output[static_cast<size_t>(window)];
    CHECK(place == found - seen.begin());
    const sbnn::TapRange range = taps.sets[static_cast<size_t>(place)];
    CHECK(range.first < range.last || range == sbnn::TapRange{});
    for (int64_t tap = 0; tap < axis.kernel; ++tap) {
      CHECK(inside[static_cast<size_t>(tap)] == (range.first <= tap && tap < range.last));
    }
  }
  CHECK(seen.size() == taps.sets.size());
}

void test_axes_of_a_node() {
  sbnn::Node node;
  node.keys.set(sbnn::Key::kKernel, {{3, 5}, {}});
  node.keys.set(sbnn::Key::kPadding, {{1, 2, 3, 4}, {}});
  node.keys.set(sbnn::Key::kStride, {{2, 1}, {}});
  const sbnn::Axis rows = sbnn::row_axis(node, 7), columns = sbnn::column_axis(node, 9);
  CHECK(rows.size == 7 && rows.kernel == 3 && rows.stride == 2 && rows.dilation == 1);
  CHECK(rows.before == 1 && rows.after == 3 && rows.outputs() == 5);
  CHECK(columns.size == 9 && columns.kernel == 5 && columns.stride == 1 && columns.dilation == 1);
  CHECK(columns.before == 2 && columns.after == 4 && columns.outputs() == 11);
}

}  // namespace

int main() {
  for (int i = 0; i < 3000; ++i) {
    test_axis({integer(1, 12), integer(1, 7), integer(1, 5), integer(0, 6), integer(0, 6),
               integer(1, 3)});
  }
  test_axes_of_a_node();
  return test::finish();
}
