#include "training/dots/window_sums.h"

#include <algorithm>
#include <cstring>

namespace sbnn {
namespace {

template <typename Word>
uint64_t word_of(const uint8_t* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

// The next bits of a pixel that has 1, 2, 4 or a multiple of 8 bytes.
uint64_t next_word(const uint8_t* bytes, int64_t pixel_bytes) {
  if (pixel_bytes == 1) return *bytes;
  if (pixel_bytes == 2) return word_of<uint16_t>(bytes);
  return pixel_bytes == 4 ? word_of<uint32_t>(bytes) : word_of<uint64_t>(bytes);
}

int64_t negatives(const uint8_t* signs, int64_t bytes) {
  uint64_t count = 0;
  for (int64_t i = 0; i < bytes; i += 8) {
    uint64_t word = next_word(signs + i, bytes);
    // Sums of pairs of bits, of fours, of bytes; the product adds up the bytes. Baseline code has
    // no instruction for it, and a call for each pixel is slower.
    word -= word >> 1 & 0x5555555555555555;
    word = (word & 0x3333333333333333) + (word >> 2 & 0x3333333333333333);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
    count += word * 0x0101010101010101 >> 56;
  }
  return static_cast<int64_t>(count);
}

// Adds what one tap sees to each window of a row.
void add_tap(const float* pixels, const Axis& axis, int64_t tap, float* sums) {
  const int64_t start = tap * axis.dilation - axis.before, stride = axis.stride;
  const int64_t first = start >= 0 ? 0 : (-start + stride - 1) / stride;
  const int64_t room = axis.size - 1 - start;
  const int64_t last = room < 0 ? 0 : std::min(room / stride + 1, axis.outputs());
  if (stride == 1) {
    for (int64_t x = first; x < last; ++x) sums[x] += pixels[x + start];
  } else {
    for (int64_t x = first; x < last; ++x) sums[x] += pixels[x * stride + start];
  }
}

}  // namespace

void WindowSums::sum_row(const uint8_t* signs, int64_t channels, int64_t pixel_bytes,
                         const Axis& columns, float* sums) {
  for (int64_t x = 0; x < columns.size; ++x) {
    const int64_t sum = channels - 2 * negatives(signs + x * pixel_bytes, pixel_bytes);
    pixels_[static_cast<size_t>(x)] = static_cast<float>(sum);
  }
  std::fill_n(sums, columns.outputs(), 0.0f);
  for (int64_t tap = 0; tap < columns.kernel; ++tap) add_tap(pixels_.data(), columns, tap, sums);
}

const float* WindowSums::of(const uint8_t* signs, int64_t channels, int64_t pixel_bytes,
                            const Axis& rows, const Axis& columns) {
  const int64_t width = columns.outputs();
  pixels_.resize(static_cast<size_t>(columns.size));
  by_row_.resize(static_cast<size_t>(rows.size * width));
  windows_.assign(static_cast<size_t>(rows.outputs() * width), 0.0f);
  for (int64_t y = 0; y < rows.size; ++y) {
    sum_row(signs + y * columns.size * pixel_bytes, channels, pixel_bytes, columns,
            by_row_.data() + y * width);
  }
  for (int64_t y = 0; y < rows.outputs(); ++y) {
    const TapRange taps = rows.taps_inside(y);
    float* const window = windows_.data() + y * width;
    for (int64_t tap = taps.first; tap < taps.last; ++tap) {
      const int64_t source = y * rows.stride - rows.before + tap * rows.dilation;
      const float* const row = by_row_.data() + source * width;
      for (int64_t x = 0; x < width; ++x) window[x] += row[x];
    }
  }
  return windows_.data();
}

}  // namespace sbnn
