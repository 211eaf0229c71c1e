// Binary dots of every instruction set that can run here against plain loops, exactly: all register
// tiles, odd filter counts, triples and singles, the largest counts.

#include <algorithm>
#include <cstring>
#include <vector>

#include "check.h"
#include "dispatch.h"
#include "draws.h"
#include "signbit/kernels.h"
#include "signbit/memory.h"

using sbnn::AlignedArray;
using sbnn::KernelTable;
using test::integer;
using test::random_bits;

namespace {

constexpr int kInputBytes = 4096;

AlignedArray<uint8_t> random_input() {
  AlignedArray<uint8_t> input(kInputBytes);
  const bool zero = integer(0, 3) == 0;  // against weights of ones: every bit differs
  for (size_t i = 0; i < input.size() && !zero; ++i) {
    input[i] = static_cast<uint8_t>(random_bits());
  }
  return input;
}

uint32_t word_at(const uint8_t* address) {
  uint32_t word;
  std::memcpy(&word, address, sizeof word);
  return word;
}

void test_binary_dot(const KernelTable& kernels) {
  const int filters = integer(1, sbnn::kBlockFilters), pixels = integer(1, 30);
  const int triples = integer(0, 40), singles = integer(triples == 0 ? 1 : 0, 70);
  const int words = 3 * triples + singles;
  const AlignedArray<uint8_t> input = random_input();
  AlignedArray<uint8_t> sums(kInputBytes);
  const int64_t second = 4 * integer(1, 90);
  kernels.xor_triples(input.data(), second, kInputBytes - 2 * second, sums.data());

  std::vector<int64_t> offsets(static_cast<size_t>(triples + singles));
  for (int64_t& offset : offsets) offset = integer(0, 1500);
  std::vector<uint32_t> weights(static_cast<size_t>(filters * words));  // by filter, as they are
  for (uint32_t& word : weights) {
    word = integer(0, 9) == 0 ? ~uint32_t{0} : static_cast<uint32_t>(random_bits());
  }
  if (integer(0, 3) == 0) std::fill(weights.begin(), weights.end(), ~uint32_t{0});

  const int lanes = kernels.word_lanes;
  AlignedArray<uint32_t> packed(static_cast<size_t>((filters + lanes - 1) / lanes * lanes * words));
  for (int f = 0; f < filters; ++f) {
    const uint32_t* const filter = weights.data() + f * words;
    for (int w = 0; w < words; ++w) {
      const bool is_sum = w < 3 * triples && w % 3 == 2;
      packed[static_cast<size_t>(f / lanes * lanes * words + w * lanes + f % lanes)] =
          is_sum ? filter[w - 2] ^ filter[w - 1] ^ filter[w] : filter[w];
    }
  }

  std::vector<int32_t> bases(2 * 80);
  for (int32_t& base : bases) base = integer(-5000, 5000);
  std::vector<const uint8_t*> windows;
  std::vector<const int32_t*> base;
  for (int p = 0; p < pixels; ++p) {
    windows.push_back(input.data() + integer(0, 1500));
    base.push_back(bases.data() + 80 * integer(0, 1));
  }
  const int step = 80;
  std::vector<int32_t> dots(static_cast<size_t>(pixels * step), 77);
  sbnn::BinaryDotArgs args{};
  args.pixels = pixels;
  args.filters = filters;
  args.triples = triples;
  args.singles = singles;
  args.offsets = offsets.data();
  args.second = second;
  args.sum = static_cast<int64_t>(reinterpret_cast<uintptr_t>(sums.data()) -
                                  reinterpret_cast<uintptr_t>(input.data()));
  args.weights = packed.data();
  args.windows = windows.data();
  args.base = base.data();
  args.first_filter = integer(0, 8);
  args.dots = dots.data();
  args.dots_step = step;
  kernels.binary_dot(args);

  for (int p = 0; p < pixels; ++p) {
    const uint8_t* const window = windows[static_cast<size_t>(p)];
    for (int f = 0; f < filters; ++f) {
      int differing = 0;
      for (int w = 0; w < words; ++w) {
        const int64_t at = w < 3 * triples
                               ? offsets[static_cast<size_t>(w / 3)] + w % 3 * second
                               : offsets[static_cast<size_t>(triples + w - 3 * triples)];
        differing +=
            __builtin_popcount(word_at(window + at) ^ weights[static_cast<size_t>(f * words + w)]);
      }
      CHECK(dots[static_cast<size_t>(p * step + f)] ==
            base[static_cast<size_t>(p)][args.first_filter + f] - 2 * differing);
    }
  }
}

void test_xor_triples(const KernelTable& kernels) {
  const AlignedArray<uint8_t> input = random_input();
  AlignedArray<uint8_t> sums(kInputBytes);
  const int begin = integer(0, 100), bytes = integer(1, 2000), distance = integer(1, 900);
  kernels.xor_triples(input.data() + begin, distance, bytes, sums.data());
  for (int i = 0; i < bytes; ++i) {
    const auto at = [&](int k) { return input[static_cast<size_t>(begin + i + k * distance)]; };
    CHECK(sums[static_cast<size_t>(i)] == (at(0) ^ at(1) ^ at(2)));
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
