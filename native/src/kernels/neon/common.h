// What both NEON vocabularies share: sixteen words or sixteen floats, in four registers.
#pragma once

#include <arm_neon.h>

#include "kernels/kernels.h"

namespace sbnn {
namespace {

struct Neon {
  static constexpr int kRegisters = 4;
  static constexpr int kWordLanes = 16;
  static constexpr int kBytes = 64;
  static constexpr int kFloatLanes = 16;
  static constexpr int kTileVectors = 1;
  static constexpr int kSumPixels = 5;  // pixels × vectors of a tile of sums

  template <typename T>
  struct Four {
    T part[kRegisters];
  };
  using Words = Four<uint32x4_t>;
  using Totals = Four<uint32x4_t>;
  using Floats = Four<float32x4_t>;
  using Ints = Four<int32x4_t>;

  // A vector whose part i is part(i).
  template <typename Vector, typename Part>
  [[gnu::always_inline]] static Vector each(Part part) {
    Vector result;
#pragma GCC unroll 4
    for (int i = 0; i < kRegisters; ++i) result.part[i] = part(i);
    return result;
  }

  [[gnu::always_inline]] static Words load_words(const uint32_t* p) {
    return each<Words>([&](int i) { return vld1q_u32(p + 4 * i); });
  }
  [[gnu::always_inline]] static Words broadcast_word(const void* p) {
    uint32_t word;
    __builtin_memcpy(&word, p, sizeof word);
    const uint32x4_t all = vdupq_n_u32(word);
    return each<Words>([&](int) { return all; });
  }
  [[gnu::always_inline]] static Words xor_words(const Words& a, const Words& b) {
    return each<Words>([&](int i) { return veorq_u32(a.part[i], b.part[i]); });
  }
  // The same value, which the compiler no longer knows to be the same.
  [[gnu::always_inline]] static void forget(Words& a) {
    for (uint32x4_t& part : a.part) asm("" : "+w"(part));
  }
  // sum is x0 ^ x1 ^ x2: x0 where x0 = x1, else ~sum, which is x2.
  [[gnu::always_inline]] static Words majority(const Words& x0, const Words& x1, const Words& sum) {
    return each<Words>([&](int i) {
      const uint32x4_t differ = veorq_u32(x0.part[i], x1.part[i]);
      return vbslq_u32(differ, veorq_u32(differ, sum.part[i]), x0.part[i]);
    });
  }
  [[gnu::always_inline]] static Totals no_totals() {
    return each<Totals>([](int) { return vdupq_n_u32(0); });
  }

  // Plain counts of bits, as binary_limit has them: those of a word's bytes, added to a total.
  using Counts = Totals;
  using Bytes = Four<uint8x16_t>;
  [[gnu::always_inline]] static Counts no_counts() { return no_totals(); }
  template <int kWeight>
  [[gnu::always_inline]] static Bytes count(const Words& x) {
    static_assert(kWeight == 1);
    return each<Bytes>([&](int i) { return vcntq_u8(vreinterpretq_u8_u32(x.part[i])); });
  }
  [[gnu::always_inline]] static Totals add_to_totals(const Totals& totals, const Counts& counts) {
    return each<Totals>([&](int i) { return vaddq_u32(totals.part[i], counts.part[i]); });
  }

  [[gnu::always_inline]] static Ints dots(const int32_t* base, const Totals& differing) {
    return each<Ints>([&](int i) {
      const uint32x4_t twice = vaddq_u32(differing.part[i], differing.part[i]);
      return vsubq_s32(vld1q_s32(base + 4 * i), vreinterpretq_s32_u32(twice));
    });
  }
  [[gnu::always_inline]] static void store_dots(int32_t* target, const int32_t* base,
                                                const Totals& differing) {
    store_ints(target, dots(base, differing));
  }

  [[gnu::always_inline]] static Words xor_bytes(const uint8_t* a, const uint8_t* b,
                                                const uint8_t* c) {
    return each<Words>([&](int i) {
      const uint8x16_t first = veorq_u8(vld1q_u8(a + 16 * i), vld1q_u8(b + 16 * i));
      return vreinterpretq_u32_u8(veorq_u8(first, vld1q_u8(c + 16 * i)));
    });
  }
  [[gnu::always_inline]] static void store_bytes(uint8_t* p, const Words& v) {
#pragma GCC unroll 4
    for (int i = 0; i < kRegisters; ++i) vst1q_u8(p + 16 * i, vreinterpretq_u8_u32(v.part[i]));
  }

  [[gnu::always_inline]] static Floats load(const float* p) {
    return each<Floats>([&](int i) { return vld1q_f32(p + 4 * i); });
  }
  // Lanes whose bit is clear are not read and give 0.
  [[gnu::always_inline]] static Floats load_lanes(const float* p, int64_t first, uint32_t lanes) {
    float values[kFloatLanes];
    for (int i = 0; i < kFloatLanes; ++i) values[i] = (lanes >> i & 1) != 0 ? p[first + i] : 0.0f;
    return load(values);
  }
  [[gnu::always_inline]] static void store(float* p, const Floats& v) {
#pragma GCC unroll 4
    for (int i = 0; i < kRegisters; ++i) vst1q_f32(p + 4 * i, v.part[i]);
  }
  [[gnu::always_inline]] static void store_first(float* p, const Floats& v, int count) {
    float values[kFloatLanes];
    store(values, v);
    for (int i = 0; i < count; ++i) p[i] = values[i];
  }
  [[gnu::always_inline]] static Floats set(float x) {
    const float32x4_t all = vdupq_n_f32(x);
    return each<Floats>([&](int) { return all; });
  }
  [[gnu::always_inline]] static Floats fma(const Floats& a, const Floats& b, const Floats& c) {
    return each<Floats>([&](int i) { return vfmaq_f32(c.part[i], a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats add_product(const Floats& sum, const Floats& a,
                                                   const Floats& b) {
    return fma(a, b, sum);
  }
  [[gnu::always_inline]] static Floats add(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return vaddq_f32(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats subtract(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return vsubq_f32(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats multiply(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return vmulq_f32(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats divide(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return vdivq_f32(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats negative(const Floats& a) {
    return each<Floats>([&](int i) { return vnegq_f32(a.part[i]); });
  }
  // a > b ? a : b, so b where either is NaN, unlike NEON's own maximum.
  [[gnu::always_inline]] static Floats larger(const Floats& a, const Floats& b) {
    return select_less(b, a, a, b);
  }
  // a < b ? a : b
  [[gnu::always_inline]] static Floats smaller(const Floats& a, const Floats& b) {
    return select_less(a, b, a, b);
  }
  // a < b ? x : y
  [[gnu::always_inline]] static Floats select_less(const Floats& a, const Floats& b,
                                                   const Floats& x, const Floats& y) {
    return each<Floats>(
        [&](int i) { return vbslq_f32(vcltq_f32(a.part[i], b.part[i]), x.part[i], y.part[i]); });
  }
  [[gnu::always_inline]] static uint64_t less(const Floats& a, const Floats& b) {
    return bits_of(each<Words>([&](int i) { return vcltq_f32(a.part[i], b.part[i]); }));
  }
  // 2^n, where `shifted` is 1.5·2^23 + n.
  [[gnu::always_inline]] static Floats power_of_two(const Floats& shifted) {
    return each<Floats>([&](int i) {
      const uint32x4_t bits = vreinterpretq_u32_f32(shifted.part[i]);
      const uint32x4_t exponent = vsubq_u32(bits, vdupq_n_u32(0x4b400000 - 127));
      return vreinterpretq_f32_u32(vshlq_n_u32(exponent, 23));
    });
  }

  // Exclusive or of values as bits.
  [[gnu::always_inline]] static Ints flip_bits(const Ints& v, const Ints& bits) {
    return each<Ints>([&](int i) { return veorq_s32(v.part[i], bits.part[i]); });
  }
  [[gnu::always_inline]] static Floats flip_bits(const Floats& v, const Ints& bits) {
    return each<Floats>([&](int i) {
      return vreinterpretq_f32_s32(veorq_s32(vreinterpretq_s32_f32(v.part[i]), bits.part[i]));
    });
  }
  [[gnu::always_inline]] static Ints load_ints(const int32_t* p) {
    return each<Ints>([&](int i) { return vld1q_s32(p + 4 * i); });
  }
  [[gnu::always_inline]] static void store_ints(int32_t* p, const Ints& v) {
#pragma GCC unroll 4
    for (int i = 0; i < kRegisters; ++i) vst1q_s32(p + 4 * i, v.part[i]);
  }
  [[gnu::always_inline]] static Ints larger_int(const Ints& a, const Ints& b) {
    return each<Ints>([&](int i) { return vmaxq_s32(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static uint64_t less_ints(const Ints& a, const Ints& b) {
    return bits_of(each<Words>([&](int i) { return vcltq_s32(a.part[i], b.part[i]); }));
  }
  [[gnu::always_inline]] static Ints no_ints() {
    return each<Ints>([](int) { return vdupq_n_s32(0); });
  }
  [[gnu::always_inline]] static Ints add_ints(const Ints& a, const Ints& b) {
    return each<Ints>([&](int i) { return vaddq_s32(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Ints set_pair(const void* p) {
    int32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    const int32x4_t all = vdupq_n_s32(pair);
    return each<Ints>([&](int) { return all; });
  }
  // sum + x0·w0 + x1·w1 in each lane, of int16 pairs.
  [[gnu::always_inline]] static Ints add_pairs(const Ints& sum, const Ints& x, const Ints& w) {
    return each<Ints>([&](int i) {
      const int16x8_t a = vreinterpretq_s16_s32(x.part[i]), b = vreinterpretq_s16_s32(w.part[i]);
      const int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
      return vaddq_s32(sum.part[i], vpaddq_s32(low, vmull_high_s16(a, b)));
    });
  }
  [[gnu::always_inline]] static Floats to_floats(const Ints& v) {
    return each<Floats>([&](int i) { return vcvtq_f32_s32(v.part[i]); });
  }

 private:
  // Of lanes that are all ones or zero, a bit each. Shifts insert part after part, so that bit
  // 16 + 4·i of a lane is part i's; each lane then keeps its own bits, and their sum is the word.
  [[gnu::always_inline]] static uint64_t bits_of(const Words& lanes) {
    uint32x4_t bits = vsriq_n_u32(lanes.part[3], lanes.part[2], 4);
    bits = vsriq_n_u32(bits, lanes.part[1], 8);
    bits = vsriq_n_u32(bits, lanes.part[0], 12);
    constexpr uint32_t kOwn = 0x11110000;
    const uint32x4_t own = {kOwn, kOwn << 1, kOwn << 2, kOwn << 3};
    return vaddvq_u32(vandq_u32(bits, own)) >> 16;
  }
};

}  // namespace
}  // namespace sbnn
