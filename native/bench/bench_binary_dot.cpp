// Speed of the binary dot kernel alone, in G multiply-adds per second on one core.
//
// Layers are 3×3, stride 1, channels@size; the weights' passes are those of the engine.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "cpu/dispatch.h"
#include "cpu/memory.h"
#include "kernels/kernels.h"

namespace {

constexpr int kTilePixels = 56;

double gmacs_per_second(const sbnn::KernelTable& kernels, int channels, int size) {
  const int run = 3 * channels / 32;  // words in a row of a window, a triple for each third
  const int filters = std::min(channels, sbnn::kBlockFilters);
  const int64_t pixel_bytes = channels / 8;
  const int64_t row_bytes = (size + 2) * pixel_bytes;
  const auto input_bytes = static_cast<size_t>((size + 2) * row_bytes);
  const sbnn::AlignedArray<uint8_t> input(input_bytes);
  sbnn::AlignedArray<uint8_t> sums((kernels.side_by_side ? 3 : 1) * input_bytes);
  const sbnn::AlignedArray<uint32_t> weights(
      static_cast<size_t>(3 * run * sbnn::round_up(channels, 16)));
  const sbnn::AlignedArray<int32_t> base(static_cast<size_t>(channels));
  sbnn::AlignedArray<int32_t> dots(kTilePixels * sbnn::kBlockFilters);
  std::vector<int64_t> offsets;
  for (int row = 0; row < 3; ++row) {
    for (int word = 0; word < run / 3; ++word) offsets.push_back(row * row_bytes + 4 * word);
  }
  const std::vector<const int32_t*> bases(kTilePixels, base.data());
  const auto pass = [&] {
    std::vector<const uint8_t*> windows(kTilePixels);
    kernels.xor_triples(input.data(), pixel_bytes, static_cast<int64_t>(input_bytes), sums.data());
    for (int begin = 0; begin < size * size; begin += kTilePixels) {
      const int count = std::min(kTilePixels, size * size - begin);
      for (int i = 0; i < count; ++i) {
        const int pixel = begin + i;
        windows[static_cast<size_t>(i)] =
            input.data() + pixel / size * row_bytes + pixel % size * pixel_bytes;
      }
      for (int filter = 0; filter < channels; filter += filters) {
        sbnn::BinaryDotArgs args{};
        args.pixels = count;
        args.filters = filters;
        args.triples = run;
        args.offsets = offsets.data();
        args.second = pixel_bytes;
        const auto from = reinterpret_cast<uintptr_t>(input.data());
        args.triple_xor = static_cast<int64_t>(reinterpret_cast<uintptr_t>(sums.data()) -
                                               (kernels.side_by_side ? 3 * from : from));
        args.weights = weights.data() + static_cast<int64_t>(filter) * 3 * run;
        args.windows = windows.data();
        args.base = bases.data();
        args.first_filter = filter;
        args.dots = dots.data();
        args.dots_step = sbnn::kBlockFilters;
        kernels.binary_dot(args);
      }
    }
  };
  const double macs = 9.0 * size * size * channels * channels;
  double best = 0;
  for (int run = 0; run < 200; ++run) {
    const auto start = std::chrono::steady_clock::now();
    pass();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::max(best, macs / took.count());
  }
  return best;
}

}  // namespace

int main() {
  for (const sbnn::KernelTable* kernels : sbnn::usable_kernels()) {
    std::printf("%-14s", kernels->isa);
    constexpr int kLayers[][2] = {{32, 16}, {64, 56}, {128, 28}, {256, 14}, {512, 7}};
    for (const auto& [channels, size] : kLayers) {
      std::printf("  %d@%d %7.1f", channels, size, gmacs_per_second(*kernels, channels, size));
    }
    std::printf("\n");
  }
  return 0;
}
