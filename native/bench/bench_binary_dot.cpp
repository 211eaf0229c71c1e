// Speed of the binary dot kernel alone, in G multiply-adds a second on one core: bench_binary_dot.
//
// Layers are 3×3, stride 1, channels@size; the weights' passes are those of the engine.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "dispatch.h"
#include "signbit/kernels.h"
#include "signbit/memory.h"

namespace {

constexpr int kTilePixels = 48;
constexpr int kTaps = 9;

double gmacs_per_second(const sbnn::KernelTable& kernels, int channels, int size) {
  const int words = kTaps * channels / 64;
  const int filters = std::min(channels, sbnn::kBlockFilters);
  const int blocks = channels / filters;
  const int64_t pixel_bytes = channels / 8;
  const int64_t row_bytes = (size + 2) * pixel_bytes;
  const sbnn::AlignedArray<uint8_t> input(static_cast<size_t>((size + 2) * row_bytes));
  const sbnn::AlignedArray<uint64_t> weights(static_cast<size_t>(words * channels));
  const sbnn::AlignedArray<int32_t> base(static_cast<size_t>(channels));
  sbnn::AlignedArray<int32_t> dots(kTilePixels * sbnn::kBlockFilters);
  std::vector<int64_t> offsets;
  for (int row = 0; row < 3; ++row) {
    for (int64_t at = 0; at < 3 * pixel_bytes; at += 8) offsets.push_back(row * row_bytes + at);
  }
  const std::vector<const int32_t*> bases(kTilePixels, base.data());
  const auto pass = [&] {
    std::vector<const uint8_t*> windows(kTilePixels);
    for (int begin = 0; begin < size * size; begin += kTilePixels) {
      const int count = std::min(kTilePixels, size * size - begin);
      for (int i = 0; i < count; ++i) {
        const int pixel = begin + i;
        windows[static_cast<size_t>(i)] =
            input.data() + pixel / size * row_bytes + pixel % size * pixel_bytes;
      }
      for (int block = 0; block < blocks; ++block) {
        sbnn::BinaryDotArgs args{};
        args.pixels = count;
        args.filters = filters;
        args.words = args.full_words = words;
        args.offsets = offsets.data();
        args.weights = weights.data() + static_cast<int64_t>(block) * words * filters;
        args.windows = windows.data();
        args.base = bases.data();
        args.first_filter = static_cast<int64_t>(block) * filters;
        args.dots = dots.data();
        args.dots_step = sbnn::kBlockFilters;
        kernels.binary_dot(args);
      }
    }
  };
  const double macs = 1.0 * size * size * kTaps * channels * channels;
  double best = 0;
  for (int run = 0; run < 50; ++run) {
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
    constexpr int kLayers[][2] = {{64, 56}, {128, 28}, {256, 14}, {512, 7}};
    for (const auto& [channels, size] : kLayers) {
      std::printf("  %d@%d %7.1f", channels, size, gmacs_per_second(*kernels, channels, size));
    }
    std::printf("\n");
  }
  return 0;
}
