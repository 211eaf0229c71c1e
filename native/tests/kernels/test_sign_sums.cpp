// Sums of signs against counting them one by one; groups of every alignment.

#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "draws.h"
#include "plan/layouts/bits_layout.h"

using test::integer;

namespace {

void test_sign_sums(const sbnn::KernelTable& kernels) {
  const int groups = integer(1, 5), per_group = integer(1, integer(0, 1) == 1 ? 17 : 150);
  const int rows = integer(1, 4), columns = integer(1, 9);
  const sbnn::BitsLayout layout(groups * per_group, groups);
  const int64_t row_step = (columns + 2) * layout.pixel_bytes;
  // Exactly as large as it is, so that a sanitizer sees a read past its end.
  std::vector<uint8_t> bits(static_cast<size_t>((rows - 1) * row_step) +
                            static_cast<size_t>(columns * layout.pixel_bytes));
  std::vector<int32_t> expected(static_cast<size_t>(columns * groups), 0);
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t x = 0; x < columns; ++x) {
      for (int64_t c = 0; c < groups * per_group; ++c) {
        const bool negative = integer(0, 2) == 0;
        layout.put(bits.data() + y * row_step + x * layout.pixel_bytes, c, negative);
        expected[static_cast<size_t>(x * groups + c / per_group)] += negative ? -1 : 1;
      }
    }
  }
  std::vector<int32_t> sums(expected.size());
  sbnn::SignSumsArgs args{
      bits.data(),        rows,      columns,    row_step, layout.pixel_bytes, groups,
      layout.group_bytes, per_group, sums.data()};
  kernels.sign_sums(args);
  CHECK(sums == expected);

  // All groups as one, gaps between them included.
  std::vector<int32_t> whole(static_cast<size_t>(columns));
  args.groups = 1;
  args.group_bytes = layout.pixel_bytes;
  args.group_channels = groups * per_group;
  args.sums = whole.data();
  kernels.sign_sums(args);
  for (int x = 0; x < columns; ++x) {
    int32_t sum = 0;
    for (int g = 0; g < groups; ++g) sum += expected[static_cast<size_t>(x * groups + g)];
    CHECK(whole[static_cast<size_t>(x)] == sum);
  }
}

}  // namespace

int main() {
  for (const sbnn::KernelTable* kernels : sbnn::usable_kernels()) {
    for (int i = 0; i < 400; ++i) test_sign_sums(*kernels);
  }
  return test::finish();
}
