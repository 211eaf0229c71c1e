#include "training/window_sums.h"

#include <algorithm>
#include <cstring>

namespace sbnn {
namespace {

int negatives(const uint8_t* signs, int64_t bytes) {
  int count = 0;
  for (int64_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, signs + i, static_cast<size_t>(std::min<int64_t>(bytes - i, 8)));
    count += __builtin_popcountll(word);
  }
  return count;
}

// Where tap 0 of an output lies along an axis.
int64_t start(const Axis& axis, int64_t output) { return output * axis.stride - axis.before; }

}  // namespace

void WindowSums::sum_row(const uint8_t* signs, int64_t channels, int64_t pixel_bytes,
                         const Axis& columns, float* sums) {
  for (int64_t x = 0; x < columns.size; ++x) {
    const int64_t sum = channels - int64_t{2} * negatives(signs + x * pixel_bytes, pixel_bytes);
    pixels_[static_cast<size_t>(x)] = static_cast<float>(sum);
  }
  for (int64_t x = 0; x < columns.outputs(); ++x) {
    const TapRange taps = taps_[static_cast<size_t>(x)];
    sums[x] = 0;
    for (int64_t tap = taps.first; tap < taps.last; ++tap) {
      sums[x] += pixels_[static_cast<size_t>(start(columns, x) + tap * columns.dilation)];
    }
  }
}

const float* WindowSums::of(const uint8_t* signs, int64_t channels, int64_t pixel_bytes,
                            const Axis& rows, const Axis& columns) {
  const int64_t width = columns.outputs();
  pixels_.resize(static_cast<size_t>(columns.size));
  by_row_.resize(static_cast<size_t>(rows.size * width));
  windows_.assign(static_cast<size_t>(rows.outputs() * width), 0.0f);
  taps_.clear();
  for (int64_t x = 0; x < width; ++x) taps_.push_back(columns.taps_inside(x));
  for (int64_t y = 0; y < rows.size; ++y) {
    sum_row(signs + y * columns.size * pixel_bytes, channels, pixel_bytes, columns,
            by_row_.data() + y * width);
  }
  for (int64_t y = 0; y < rows.outputs(); ++y) {
    const TapRange taps = rows.taps_inside(y);
    float* const window = windows_.data() + y * width;
    for (int64_t tap = taps.first; tap < taps.last; ++tap) {
      const float* const row = by_row_.data() + (start(rows, y) + tap * rows.dilation) * width;
      for (int64_t x = 0; x < width; ++x) window[x] += row[x];
    }
  }
  return windows_.data();
}

}  // namespace sbnn
