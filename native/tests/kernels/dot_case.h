// Windows, weights and bases of binary dots, drawn at random.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "cpu/memory.h"
#include "draws.h"
#include "kernels/kernels.h"

namespace test {

constexpr int kDotInputBytes = 4096;

inline sbnn::AlignedArray<uint8_t> random_input() {
  sbnn::AlignedArray<uint8_t> input(kDotInputBytes);
  const bool zero = integer(0, 3) == 0;  // against weights of ones: every bit differs
  for (size_t i = 0; i < input.size() && !zero; ++i) {
    input[i] = static_cast<uint8_t>(random_bits());
  }
  return input;
}

inline uint32_t word_at(const uint8_t* address) {
  uint32_t word;
  std::memcpy(&word, address, sizeof word);
  return word;
}

struct DotCase {
  static constexpr int kBaseStep = 80;

  int filters, pixels, triples, singles, words, first_filter;
  int64_t second, triple_xor;
  sbnn::AlignedArray<uint8_t> input, sums;
  std::vector<int64_t> offsets;
  std::vector<uint32_t> weights;  // by filter, as they are
  sbnn::AlignedArray<uint32_t> packed;
  std::vector<int32_t> bases;
  std::vector<const uint8_t*> windows;
  std::vector<const int32_t*> base;

  DotCase(const sbnn::KernelTable& kernels, int filter_count, int first)
      : filters(filter_count),
        pixels(integer(1, 30)),
        triples(integer(0, 40)),
        singles(integer(triples == 0 ? 1 : 0, 70)),
        words(3 * triples + singles),
        first_filter(first),
        second(4 * integer(1, 90)),
        input(random_input()),
        sums(static_cast<size_t>((kernels.side_by_side ? 3 : 1) * kDotInputBytes)),
        offsets(static_cast<size_t>(triples + singles)),
        weights(static_cast<size_t>(filters * words)),
        bases(2 * kBaseStep) {
    kernels.xor_triples(input.data(), second, kDotInputBytes - 2 * second, sums.data());
    const auto from = reinterpret_cast<uintptr_t>(input.data());
    triple_xor = static_cast<int64_t>(reinterpret_cast<uintptr_t>(sums.data()) -
                                      (kernels.side_by_side ? 3 * from : from));
    // Any bytes, or whole words where those of a triple lie side by side.
    const int unit = kernels.side_by_side && triples > 0 ? 4 : 1;
    for (int64_t& offset : offsets) offset = unit * integer(0, 1500 / unit);
    for (uint32_t& word : weights) {
      word = integer(0, 9) == 0 ? ~uint32_t{0} : static_cast<uint32_t>(random_bits());
    }
    if (integer(0, 3) == 0) std::fill(weights.begin(), weights.end(), ~uint32_t{0});
    pack(kernels);
    for (int32_t& value : bases) value = integer(-5000, 5000);
    for (int p = 0; p < pixels; ++p) {
      windows.push_back(input.data() + unit * integer(0, 1500 / unit));
      base.push_back(bases.data() + kBaseStep * integer(0, 1));
    }
  }

  // Without a place for the dots.
  sbnn::BinaryDotArgs args() const {
    sbnn::BinaryDotArgs args{};
    args.pixels = pixels;
    args.filters = filters;
    args.triples = triples;
    args.singles = singles;
    args.offsets = offsets.data();
    args.second = second;
    args.triple_xor = triple_xor;
    args.weights = packed.data();
    args.windows = windows.data();
    args.base = base.data();
    args.first_filter = first_filter;
    return args;
  }

  // Bit by bit, of a filter of the block.
  int dot(int pixel, int filter) const {
    const uint8_t* const window = windows[static_cast<size_t>(pixel)];
    int differing = 0;
    for (int w = 0; w < words; ++w) {
      const int64_t at = w < 3 * triples ? offsets[static_cast<size_t>(w / 3)] + w % 3 * second
                                         : offsets[static_cast<size_t>(triples + w - 3 * triples)];
      differing += __builtin_popcount(word_at(window + at) ^
                                      weights[static_cast<size_t>(filter * words + w)]);
    }
    return base[static_cast<size_t>(pixel)][first_filter + filter] - 2 * differing;
  }

 private:
  void pack(const sbnn::KernelTable& kernels) {
    const int lanes = kernels.word_lanes;
    packed = sbnn::AlignedArray<uint32_t>(
        static_cast<size_t>((filters + lanes - 1) / lanes * lanes * words));
    for (int f = 0; f < filters; ++f) {
      const uint32_t* const filter = weights.data() + f * words;
      for (int w = 0; w < words; ++w) {
        uint32_t word = filter[w];
        if (w < 3 * triples && w % 3 == 2) {
          word ^= filter[w - 2] ^ filter[w - 1];
          if (kernels.side_by_side) word = ~word;
        } else if (w < 3 * triples && w % 3 == 1 && kernels.side_by_side) {
          word ^= filter[w - 1];
        }
        packed[static_cast<size_t>(f / lanes * lanes * words + w * lanes + f % lanes)] = word;
      }
    }
  }
};

}  // namespace test
