// Where the channels' bits of one pixel lie in memory.
//
// A group's bits are rounded up to 8, 16, 32 or whole 64-bit words, so that a kernel loads them
// from a byte address; unused bits are 0. Channel c of a group is bit c, least significant first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "format/types.h"

namespace sbnn {

struct BitsLayout {
  int64_t channels = 0;
  int64_t group_channels = 0;
  int64_t group_bytes = 0;
  int64_t pixel_bytes = 0;

  BitsLayout() = default;
  BitsLayout(int64_t all_channels, int64_t groups)
      : channels(all_channels), group_channels(all_channels / groups) {
    const int64_t bits = group_channels;
    group_bytes = bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : round_up(bits, 64) / 8;
    pixel_bytes = groups * group_bytes;
  }

  // Channel c is bit c of the pixel: there is no gap between groups.
  bool contiguous() const {
    return group_channels == channels || group_bytes * 8 == group_channels;
  }

  bool get(const uint8_t* pixel, int64_t c) const { return (pixel[byte(c)] >> shift(c) & 1) != 0; }
  void put(uint8_t* pixel, int64_t c, bool negative) const {
    const auto bit = static_cast<uint8_t>(1u << shift(c));
    pixel[byte(c)] = static_cast<uint8_t>(negative ? pixel[byte(c)] | bit : pixel[byte(c)] & ~bit);
  }
  // Channels [first, first + count) of a pixel as -1 and +1.
  template <typename T>
  void unpack(const uint8_t* pixel, int64_t first, int64_t count, T* values) const {
    const uint8_t* group = pixel + first / group_channels * group_bytes;
    int64_t bit = first % group_channels;
    for (int64_t c = 0; c < count; group += group_bytes, bit = 0) {
      const int64_t end = std::min(group_channels, bit + count - c);
      for (; bit < end; ++bit, ++c) {
        values[c] = (group[bit / 8] >> (bit % 8) & 1) != 0 ? T{-1} : T{1};
      }
    }
  }

 private:
  int64_t byte(int64_t c) const {
    return c / group_channels * group_bytes + c % group_channels / 8;
  }
  int shift(int64_t c) const { return static_cast<int>(c % group_channels % 8); }
};

// `count` bits, at most 64, from bit `begin` of a row of words at any address.
inline uint64_t read_bits(const uint8_t* words, int64_t begin, int64_t count) {
  uint64_t low;
  std::memcpy(&low, words + begin / 64 * 8, sizeof low);
  uint64_t value = low >> (begin % 64);
  if (begin % 64 + count > 64) {
    uint64_t high;
    std::memcpy(&high, words + (begin / 64 + 1) * 8, sizeof high);
    value |= high << (64 - begin % 64);
  }
  return count == 64 ? value : value & ((uint64_t{1} << count) - 1);
}

// Sets `count` bits, at most 64, at bit `begin` of words that are 0 there.
inline void write_bits(uint64_t* words, int64_t begin, uint64_t value, int64_t count) {
  words[begin / 64] |= value << (begin % 64);
  if (begin % 64 + count > 64) words[begin / 64 + 1] |= value >> (64 - begin % 64);
}

}  // namespace sbnn
