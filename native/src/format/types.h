// The words of docs/format.md as types. Limits, operations, steps and keys come from the table.
//
// The namespace is sbnn, as the C library's <math.h> already has a `signbit`.
#pragma once

#include <cstdint>

#include "format/table.inc.h"

namespace sbnn {

constexpr int64_t kFormatVersion = 1;
constexpr int64_t kMaxHeaderBytes = 100'000'000;
constexpr int64_t kMaxPixel = 255;
constexpr int64_t kMaxPixelWeight = 8191;  // so that four weights add up in int16

enum class Kind : uint8_t { kImage, kReal, kBits };
enum class DType : uint8_t { kU64, kF32, kI32, kI16, kU8 };

// [vertical, horizontal], as everywhere in the file.
struct Pair {
  int64_t y = 0;
  int64_t x = 0;
};

// [top, left, bottom, right].
struct Sides {
  int64_t top = 0, left = 0, bottom = 0, right = 0;

  bool any() const { return top > 0 || left > 0 || bottom > 0 || right > 0; }
};

// Taps [first, last) of one axis of a kernel; 0, 0 for none.
struct TapRange {
  int64_t first = 0, last = 0;

  bool operator==(const TapRange& other) const {
    return first == other.first && last == other.last;
  }
};

constexpr int64_t kPixelValues = 256;  // of a uint8

constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace sbnn
