// The vector vocabulary in WebAssembly's SIMD128: eight words or eight floats, in two registers.
#pragma once

#include <wasm_simd128.h>

#include "kernels/kernels.h"
#include "kernels/wasm/fused.h"

namespace sbnn {
namespace {

struct Vec {
  static constexpr const char* kIsa = "wasm";
  static constexpr int kRegisters = 2;
  static constexpr int kWordLanes = 8;
  static constexpr int kFloatLanes = 8;
  static constexpr int kTileVectors = 2;
  static constexpr int kDotPixels = 2;
  static constexpr int kSumPixels = 4;  // pixels × vectors of a tile of sums

  // Types of their own, as a register has but one.
  template <typename Values>
  struct Two {
    v128_t part[kRegisters];
  };
  using Words = Two<uint32_t>;
  using Totals = Two<uint32_t>;
  using Counts = Two<uint8_t>;
  using Floats = Two<float>;
  using Ints = Two<int32_t>;

  // A vector whose part i is part(i).
  template <typename Vector, typename Part>
  [[gnu::always_inline]] static Vector each(Part part) {
    return Vector{{part(0), part(1)}};
  }
  template <typename Vector>
  [[gnu::always_inline]] static Vector load_parts(const void* p) {
    const auto* const bytes = static_cast<const uint8_t*>(p);
    return each<Vector>([&](int i) { return wasm_v128_load(bytes + 16 * i); });
  }
  template <typename Vector>
  [[gnu::always_inline]] static void store_parts(void* p, const Vector& v) {
    auto* const bytes = static_cast<uint8_t*>(p);
    for (int i = 0; i < kRegisters; ++i) wasm_v128_store(bytes + 16 * i, v.part[i]);
  }
  template <typename Vector>
  [[gnu::always_inline]] static Vector same(v128_t all) {
    return Vector{{all, all}};
  }

  [[gnu::always_inline]] static Words load_words(const uint32_t* p) { return load_parts<Words>(p); }
  [[gnu::always_inline]] static Words xor_words(const Words& a, const Words& b) {
    return each<Words>([&](int i) { return wasm_v128_xor(a.part[i], b.part[i]); });
  }
  // The same value, which the compiler no longer knows to be the same.
  [[gnu::always_inline]] static void forget(Words& a) {
    for (v128_t& part : a.part) asm("" : "+r"(part));
  }
  [[gnu::always_inline]] static Totals no_totals() {
    return same<Totals>(wasm_i32x4_const_splat(0));
  }
  [[gnu::always_inline]] static Counts no_counts() {
    return same<Counts>(wasm_i32x4_const_splat(0));
  }
  [[gnu::always_inline]] static Counts add_counts(const Counts& a, const Counts& b) {
    return each<Counts>([&](int i) { return wasm_i8x16_add(a.part[i], b.part[i]); });
  }
  // Each byte's set bits.
  template <int kWeight>
  [[gnu::always_inline]] static Counts count(const Words& x) {
    static_assert(kWeight == 1);
    return each<Counts>([&](int i) { return wasm_i8x16_popcnt(x.part[i]); });
  }
  // The four bytes of a word added up, by way of two pairs.
  [[gnu::always_inline]] static Totals add_to_totals(const Totals& totals, const Counts& counts) {
    return each<Totals>([&](int i) {
      const v128_t pairs = wasm_u16x8_extadd_pairwise_u8x16(counts.part[i]);
      return wasm_i32x4_add(totals.part[i], wasm_u32x4_extadd_pairwise_u16x8(pairs));
    });
  }

  [[gnu::always_inline]] static Totals add_totals(const Totals& a, const Totals& b) {
    return each<Totals>([&](int i) { return wasm_i32x4_add(a.part[i], b.part[i]); });
  }

  [[gnu::always_inline]] static Ints dots(const int32_t* base, const Totals& differing) {
    const Ints full = load_ints(base);
    return each<Ints>([&](int i) {
      const v128_t twice = wasm_i32x4_add(differing.part[i], differing.part[i]);
      return wasm_i32x4_sub(full.part[i], twice);
    });
  }
  [[gnu::always_inline]] static void store_dots(int32_t* target, const int32_t* base,
                                                const Totals& differing) {
    store_ints(target, dots(base, differing));
  }

  [[gnu::always_inline]] static Floats load(const float* p) { return load_parts<Floats>(p); }
  // Lanes whose bit is clear are not read and give 0.
  [[gnu::always_inline]] static Floats load_lanes(const float* p, int64_t first, uint32_t lanes) {
    float values[kFloatLanes];
    for (int i = 0; i < kFloatLanes; ++i) values[i] = (lanes >> i & 1) != 0 ? p[first + i] : 0.0f;
    return load(values);
  }
  [[gnu::always_inline]] static void store(float* p, const Floats& v) { store_parts(p, v); }
  [[gnu::always_inline]] static void store_first(float* p, const Floats& v, int count) {
    float values[kFloatLanes];
    store(values, v);
    for (int i = 0; i < count; ++i) p[i] = values[i];
  }
  [[gnu::always_inline]] static Floats set(float x) { return same<Floats>(wasm_f32x4_splat(x)); }
  // A call, as it is long; but not where it is all that a loop does.
  [[gnu::noinline]] static Floats fma(Floats a, Floats b, Floats c) { return add_product(c, a, b); }
  [[gnu::always_inline]] static Floats add_product(const Floats& sum, const Floats& a,
                                                   const Floats& b) {
    return each<Floats>([&](int i) { return fused_floats(a.part[i], b.part[i], sum.part[i]); });
  }
  [[gnu::always_inline]] static Floats add(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return wasm_f32x4_add(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats subtract(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return wasm_f32x4_sub(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats multiply(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return wasm_f32x4_mul(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats divide(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return wasm_f32x4_div(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Floats negative(const Floats& a) {
    return each<Floats>([&](int i) { return wasm_f32x4_neg(a.part[i]); });
  }
  // a > b ? a : b, so b where either is NaN: pmax(b, a) is b < a ? a : b.
  [[gnu::always_inline]] static Floats larger(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return wasm_f32x4_pmax(b.part[i], a.part[i]); });
  }
  // a < b ? a : b: pmin(b, a).
  [[gnu::always_inline]] static Floats smaller(const Floats& a, const Floats& b) {
    return each<Floats>([&](int i) { return wasm_f32x4_pmin(b.part[i], a.part[i]); });
  }
  // a < b ? x : y
  [[gnu::always_inline]] static Floats select_less(const Floats& a, const Floats& b,
                                                   const Floats& x, const Floats& y) {
    return each<Floats>([&](int i) {
      return wasm_v128_bitselect(x.part[i], y.part[i], wasm_f32x4_lt(a.part[i], b.part[i]));
    });
  }
  [[gnu::always_inline]] static uint64_t less(const Floats& a, const Floats& b) {
    return bits_of(each<Words>([&](int i) { return wasm_f32x4_lt(a.part[i], b.part[i]); }));
  }
  // 2^n, where `shifted` is 1.5·2^23 + n.
  [[gnu::always_inline]] static Floats power_of_two(const Floats& shifted) {
    const v128_t offset = wasm_i32x4_const_splat(0x4b400000 - 127);
    return each<Floats>(
        [&](int i) { return wasm_i32x4_shl(wasm_i32x4_sub(shifted.part[i], offset), 23); });
  }

  // Exclusive or of values as bits.
  template <typename Values>
  [[gnu::always_inline]] static Two<Values> flip_bits(const Two<Values>& v, const Ints& bits) {
    return each<Two<Values>>([&](int i) { return wasm_v128_xor(v.part[i], bits.part[i]); });
  }
  [[gnu::always_inline]] static Ints load_ints(const int32_t* p) { return load_parts<Ints>(p); }
  [[gnu::always_inline]] static void store_ints(int32_t* p, const Ints& v) { store_parts(p, v); }
  [[gnu::always_inline]] static Ints larger_int(const Ints& a, const Ints& b) {
    return each<Ints>([&](int i) { return wasm_i32x4_max(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static uint64_t less_ints(const Ints& a, const Ints& b) {
    return bits_of(each<Words>([&](int i) { return wasm_i32x4_lt(a.part[i], b.part[i]); }));
  }
  [[gnu::always_inline]] static Ints no_ints() { return same<Ints>(wasm_i32x4_const_splat(0)); }
  [[gnu::always_inline]] static Ints add_ints(const Ints& a, const Ints& b) {
    return each<Ints>([&](int i) { return wasm_i32x4_add(a.part[i], b.part[i]); });
  }
  [[gnu::always_inline]] static Ints set_pair(const void* p) {
    return same<Ints>(wasm_v128_load32_splat(p));
  }
  // sum + x0·w0 + x1·w1 in each lane, of int16 pairs.
  [[gnu::always_inline]] static Ints add_pairs(const Ints& sum, const Ints& x, const Ints& w) {
    return each<Ints>([&](int i) {
      return wasm_i32x4_add(sum.part[i], wasm_i32x4_dot_i16x8(x.part[i], w.part[i]));
    });
  }
  [[gnu::always_inline]] static Floats to_floats(const Ints& v) {
    return each<Floats>([&](int i) { return wasm_f32x4_convert_i32x4(v.part[i]); });
  }

 private:
  // Of lanes that are all ones or zero, a bit each.
  [[gnu::always_inline]] static uint64_t bits_of(const Words& lanes) {
    return static_cast<uint64_t>(wasm_i32x4_bitmask(lanes.part[0])) |
           static_cast<uint64_t>(wasm_i32x4_bitmask(lanes.part[1])) << 4;
  }
};

}  // namespace
}  // namespace sbnn
