// Binary dots of every instruction set that can run here against plain loops, exactly: all register
// tiles, odd filter counts, triples and singles, the largest counts.

#include "check.h"
#include "cpu/dispatch.h"
#include "dot_case.h"

using sbnn::AlignedArray;
using sbnn::KernelTable;
using test::integer;

namespace {

void test_binary_dot(const KernelTable& kernels) {
  const test::DotCase drawn(kernels, integer(1, sbnn::kBlockFilters), integer(0, 8));
  const int step = 80;
  std::vector<int32_t> dots(static_cast<size_t>(drawn.pixels * step), 77);
  sbnn::BinaryDotArgs args = drawn.args();
  args.dots = dots.data();
  args.dots_step = step;
  kernels.binary_dot(args);
  for (int p = 0; p < drawn.pixels; ++p) {
    for (int f = 0; f < drawn.filters; ++f) {
      CHECK(dots[static_cast<size_t>(p * step + f)] == drawn.dot(p, f));
    }
  }
}

void test_xor_triples(const KernelTable& kernels) {
  const AlignedArray<uint8_t> input = test::random_input();
  AlignedArray<uint8_t> sums(3 * test::kDotInputBytes);
  const int begin = integer(0, 100), bytes = integer(1, 2000), distance = integer(1, 900);
  kernels.xor_triples(input.data() + begin, distance, bytes, sums.data());
  for (int i = 0; i < bytes; ++i) {
    const auto at = [&](int k) { return input[static_cast<size_t>(begin + i + k * distance)]; };
    const int pair = at(0) ^ at(1), all = pair ^ at(2);
    if (kernels.side_by_side) {
      const uint8_t* const word = sums.data() + i / 4 * 12 + i % 4;
      CHECK(word[0] == at(0) && word[4] == pair && word[8] == all);
    } else {
      CHECK(sums[static_cast<size_t>(i)] == all);
    }
  }
}

}  // namespace

int main() {
  for (const KernelTable* kernels : sbnn::usable_kernels()) {
    for (int i = 0; i < 150; ++i) {
      test_binary_dot(*kernels);
      test_xor_triples(*kernels);
    }
  }
  return test::finish();
}
