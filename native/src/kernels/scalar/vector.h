// The vector vocabulary in plain C++ for any CPU: two words, eight floats.
//
// What dots and convolutions of integers are made of is inlined always: in browsers all else is
// compiled for size, for which Emscripten inlines nothing.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/fused.h"
#include "kernels/kernels.h"

namespace sbnn {
namespace {

struct Vec {
  static constexpr const char* kIsa = "scalar";
  static constexpr int kWordLanes = 2;
  static constexpr int kBytes = 8;
  static constexpr int kFloatLanes = 8;
  static constexpr int kTileVectors = 4;
  static constexpr int kDotPixels = 4;
  static constexpr int kSumPixels = 4;  // pixels × vectors of a tile of sums

  // Two words at once: a register is 64 bits wide.
  using Words = uint64_t;
  using Totals = uint64_t;

  [[gnu::always_inline]] static Words load_words(const uint32_t* p) {
    Words words;
    std::memcpy(&words, p, sizeof words);
    return words;
  }
  [[gnu::always_inline]] static Words broadcast_word(const void* p) {
    uint32_t word;
    std::memcpy(&word, p, sizeof word);
    return word * 0x0000000100000001u;
  }
  [[gnu::always_inline]] static Words xor_words(Words a, Words b) { return a ^ b; }
  // The same value, which the compiler no longer knows to be the same.
  static void forget(Words& a) { asm("" : "+r"(a)); }
  // sum is x0 ^ x1 ^ x2: x0 where x0 = x1, else ~sum.
  [[gnu::always_inline]] static Words majority(Words x0, Words x1, Words sum) {
    return (x0 & x1) | (~sum & (x0 ^ x1));
  }
  static Totals no_totals() { return 0; }
  using Counts = Totals;
  static Counts no_counts() { return 0; }
  template <int kWeight>
  [[gnu::always_inline]] static Counts count(Words x) {
    static_assert(kWeight == 1);
    return bits_of_words(x);
  }
  [[gnu::always_inline]] static Counts add_counts(Counts a, Counts b) { return a + b; }
  [[gnu::always_inline]] static Totals add_to_totals(Totals totals, Counts counts) {
    return totals + counts;
  }
  static void store_dots(int32_t* dots, const int32_t* base, Totals differing) {
    dots[0] = base[0] - 2 * static_cast<int32_t>(differing & 0xffffffffu);
    dots[1] = base[1] - 2 * static_cast<int32_t>(differing >> 32);
  }

  static Words xor_bytes(const uint8_t* a, const uint8_t* b, const uint8_t* c) {
    Words x, y, z;
    std::memcpy(&x, a, sizeof x);
    std::memcpy(&y, b, sizeof y);
    std::memcpy(&z, c, sizeof z);
    return x ^ y ^ z;
  }
  static void store_bytes(uint8_t* p, Words v) { std::memcpy(p, &v, sizeof v); }

  struct Floats {
    float lane[kFloatLanes];
  };
  struct Ints {
    int32_t lane[kFloatLanes];
  };

  template <typename Function>
  static Floats each(Function function) {
    Floats result;
    for (int i = 0; i < kFloatLanes; ++i) result.lane[i] = function(i);
    return result;
  }

  static Floats load(const float* p) {
    return each([&](int i) { return p[i]; });
  }
  static Floats load_lanes(const float* p, int64_t first, uint32_t lanes) {
    return each([&](int i) { return (lanes >> i & 1) != 0 ? p[first + i] : 0.0f; });
  }
  static void store(float* p, const Floats& v) { std::memcpy(p, v.lane, sizeof v.lane); }
  static void store_first(float* p, const Floats& v, int count) {
    for (int i = 0; i < count; ++i) p[i] = v.lane[i];
  }
  static Floats set(float x) {
    return each([&](int) { return x; });
  }
  static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return each([&](int i) { return fused(a.lane[i], b.lane[i], c.lane[i]); });
  }
  static Floats add_product(const Floats& sum, const Floats& a, const Floats& b) {
    return fma(a, b, sum);
  }
  static Floats add(const Floats& a, const Floats& b) {
    return each([&](int i) { return a.lane[i] + b.lane[i]; });
  }
  static Floats subtract(const Floats& a, const Floats& b) {
    return each([&](int i) { return a.lane[i] - b.lane[i]; });
  }
  static Floats multiply(const Floats& a, const Floats& b) {
    return each([&](int i) { return a.lane[i] * b.lane[i]; });
  }
  static Floats divide(const Floats& a, const Floats& b) {
    return each([&](int i) { return a.lane[i] / b.lane[i]; });
  }
  static Floats negative(const Floats& a) {
    return each([&](int i) { return -a.lane[i]; });
  }
  // a > b ? a : b, so b where either is NaN.
  static Floats larger(const Floats& a, const Floats& b) {
    return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  // a < b ? a : b
  static Floats smaller(const Floats& a, const Floats& b) {
    return each([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
  }
  // a < b ? x : y
  static Floats select_less(const Floats& a, const Floats& b, const Floats& x, const Floats& y) {
    return each([&](int i) { return a.lane[i] < b.lane[i] ? x.lane[i] : y.lane[i]; });
  }
  static uint64_t less(const Floats& a, const Floats& b) {
    uint64_t bits = 0;
    for (int i = 0; i < kFloatLanes; ++i) bits |= uint64_t{a.lane[i] < b.lane[i]} << i;
    return bits;
  }
  // 2^n, where `shifted` is 1.5·2^23 + n.
  static Floats power_of_two(const Floats& shifted) {
    return each([&](int i) {
      uint32_t bits;
      std::memcpy(&bits, &shifted.lane[i], sizeof bits);
      bits = (bits - 0x4b400000u + 127u) << 23;
      float power;
      std::memcpy(&power, &bits, sizeof power);
      return power;
    });
  }

  // Exclusive or of values as bits.
  static Ints flip_bits(Ints v, const Ints& bits) {
    for (int i = 0; i < kFloatLanes; ++i) v.lane[i] ^= bits.lane[i];
    return v;
  }
  static Floats flip_bits(const Floats& v, const Ints& bits) {
    Ints as_ints;
    std::memcpy(as_ints.lane, v.lane, sizeof v.lane);
    as_ints = flip_bits(as_ints, bits);
    Floats result;
    std::memcpy(result.lane, as_ints.lane, sizeof result.lane);
    return result;
  }
  [[gnu::always_inline]] static Ints load_ints(const int32_t* p) {
    Ints v;
    std::memcpy(v.lane, p, sizeof v.lane);
    return v;
  }
  [[gnu::always_inline]] static void store_ints(int32_t* p, const Ints& v) {
    std::memcpy(p, v.lane, sizeof v.lane);
  }
  static Ints larger_int(Ints a, const Ints& b) {
    for (int i = 0; i < kFloatLanes; ++i) {
      if (b.lane[i] > a.lane[i]) a.lane[i] = b.lane[i];
    }
    return a;
  }
  static uint64_t less_ints(const Ints& a, const Ints& b) {
    uint64_t bits = 0;
    for (int i = 0; i < kFloatLanes; ++i) bits |= uint64_t{a.lane[i] < b.lane[i]} << i;
    return bits;
  }
  [[gnu::always_inline]] static Ints no_ints() { return {}; }
  [[gnu::always_inline]] static Ints add_ints(const Ints& a, const Ints& b) {
    Ints sum;
    for (int i = 0; i < kFloatLanes; ++i) sum.lane[i] = wrapped_sum(a.lane[i], b.lane[i]);
    return sum;
  }
  [[gnu::always_inline]] static Ints set_pair(const void* p) {
    int32_t pair;
    std::memcpy(&pair, p, sizeof pair);
    Ints v;
    for (int i = 0; i < kFloatLanes; ++i) v.lane[i] = pair;
    return v;
  }
  // sum + x0·w0 + x1·w1 in each lane, of int16 pairs.
  [[gnu::always_inline]] static Ints add_pairs(Ints sum, const Ints& x, const Ints& w) {
    for (int i = 0; i < kFloatLanes; ++i) {
      int16_t a[2], b[2];
      std::memcpy(a, &x.lane[i], sizeof a);
      std::memcpy(b, &w.lane[i], sizeof b);
      sum.lane[i] = wrapped_sum(wrapped_sum(sum.lane[i], a[0] * b[0]), a[1] * b[1]);
    }
    return sum;
  }
  // Modulo 2^32, as vector instructions add.
  [[gnu::always_inline]] static int32_t wrapped_sum(int32_t a, int32_t b) {
    return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
  }
  static Floats to_floats(const Ints& v) {
    return each([&](int i) { return static_cast<float>(v.lane[i]); });
  }

 private:
  // Population counts of both words.
  [[gnu::always_inline]] static uint64_t bits_of_words(uint64_t x) {
#if defined(__wasm__)
    return static_cast<uint64_t>(__builtin_popcount(static_cast<uint32_t>(x))) |
           static_cast<uint64_t>(__builtin_popcount(static_cast<uint32_t>(x >> 32))) << 32;
#else
    // By halves: bits, pairs, nibbles, bytes, then their sums.
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    x += x >> 8;
    x += x >> 16;
    return x & 0x000000ff000000ffu;
#endif
  }
};

}  // namespace
}  // namespace sbnn
