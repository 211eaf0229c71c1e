// Dots that become reals before their epilogue, against the same steps value by value.

#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "cpu/memory.h"
#include "draws.h"

using sbnn::AlignedArray;
using test::integer;
using test::real;

namespace {

constexpr int kStep = 80;  // from a pixel's values, and from a pattern's shifts, to the next
constexpr int kPatterns = 5;

AlignedArray<float> reals(int count) {
  AlignedArray<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = real();
  return values;
}

void test_adjust_dots(const sbnn::KernelTable& kernels) {
  const int pixels = integer(1, 20), filters = integer(1, 64), groups = integer(1, 4);
  const AlignedArray<float> map = reals(pixels), scale = reals(64), sums_scale = reals(64);
  const AlignedArray<float> shift = reals(kPatterns * kStep), sums = reals(pixels * groups);
  const AlignedArray<int32_t> base(kPatterns * kStep);
  std::vector<const int32_t*> rows;
  AlignedArray<int32_t> values(static_cast<size_t>(pixels * kStep));
  for (size_t i = 0; i < values.size(); ++i) values[i] = integer(-3000, 3000);
  for (int p = 0; p < pixels; ++p) rows.push_back(base.data() + integer(0, kPatterns - 1) * kStep);

  sbnn::AdjustDotsArgs args{};
  args.pixels = pixels;
  args.filters = filters;
  args.value_step = kStep;
  if (integer(0, 1) == 1) args.map = map.data();
  if (integer(0, 3) > 0) args.scale = scale.data();
  args.shift = args.scale == nullptr ? nullptr : shift.data();
  if (args.scale != nullptr && integer(0, 1) == 1) {
    args.rows = rows.data();
    args.first_row = base.data();
  }
  if (integer(0, 1) == 1) {
    args.sums = sums.data() + groups - 1;
    args.sums_step = groups;
    args.sums_scale = sums_scale.data();
  }
  std::vector<float> expected;
  for (int p = 0; p < pixels; ++p) {
    for (int c = 0; c < filters; ++c) {
      auto v = static_cast<float>(values[static_cast<size_t>(p * kStep + c)]);
      if (args.map != nullptr) v *= args.map[p];
      if (args.scale != nullptr) {
        const int64_t row = args.rows == nullptr ? 0 : args.rows[p] - args.first_row;
        v = std::fma(v, args.scale[c], args.shift[row + c]);
      }
      if (args.sums != nullptr) v = std::fma(args.sums[p * groups], args.sums_scale[c], v);
      expected.push_back(v);
    }
  }
  args.values = values.data();
  kernels.adjust_dots(args);
  for (int p = 0; p < pixels; ++p) {
    CHECK(std::memcmp(values.data() + p * kStep, expected.data() + p * filters,
                      static_cast<size_t>(filters) * sizeof(float)) == 0);
  }
}

}  // namespace

int main() {
  for (const sbnn::KernelTable* kernels : sbnn::usable_kernels()) {
    for (int i = 0; i < 500; ++i) test_adjust_dots(*kernels);
  }
  return test::finish();
}
