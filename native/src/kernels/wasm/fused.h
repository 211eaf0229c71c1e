// Exact fused multiply-add of four floats by doubles, as WebAssembly has none. (Relaxed SIMD's may
// round once or twice, as the machine likes.)
#pragma once

#include <wasm_simd128.h>

namespace sbnn {
namespace {

// a · b + c of two doubles that are floats, rounded to odd; see portable_fused().
inline v128_t fused_to_odd(v128_t product, v128_t addend) {
  const v128_t sum = wasm_f64x2_add(product, addend);
  const v128_t rounded = wasm_f64x2_sub(sum, product);
  const v128_t error = wasm_f64x2_add(wasm_f64x2_sub(product, wasm_f64x2_sub(sum, rounded)),
                                      wasm_f64x2_sub(addend, rounded));
  const v128_t zero = wasm_f64x2_const_splat(0);
  const v128_t one = wasm_i64x2_const_splat(1);
  const v128_t above = wasm_f64x2_gt(error, zero);
  const v128_t inexact = wasm_v128_or(above, wasm_f64x2_lt(error, zero));
  // 1 where the exact sum is further from zero than the rounded one, else -1.
  const v128_t nearer = wasm_v128_xor(above, wasm_f64x2_gt(sum, zero));
  const v128_t step = wasm_v128_or(nearer, one);
  const v128_t even = wasm_i64x2_sub(wasm_v128_and(sum, one), one);
  return wasm_i64x2_add(sum, wasm_v128_and(step, wasm_v128_and(inexact, even)));
}

// The first two floats, and the last two.
inline v128_t first_doubles(v128_t x) { return wasm_f64x2_promote_low_f32x4(x); }
inline v128_t last_doubles(v128_t x) {
  return wasm_f64x2_promote_low_f32x4(wasm_i64x2_shuffle(x, x, 1, 1));
}

inline v128_t to_floats(v128_t first, v128_t last) {
  return wasm_i64x2_shuffle(wasm_f32x4_demote_f64x2_zero(first), wasm_f32x4_demote_f64x2_zero(last),
                            0, 2);
}

// For sums that rounding twice may spoil.
[[gnu::noinline]] v128_t fused_with_care(v128_t a, v128_t b, v128_t c) {
  return to_floats(
      fused_to_odd(wasm_f64x2_mul(first_doubles(a), first_doubles(b)), first_doubles(c)),
      fused_to_odd(wasm_f64x2_mul(last_doubles(a), last_doubles(b)), last_doubles(c)));
}

// a · b + c, rounded once.
//
// The product is exact in double. Rounding the sum to double and then to float32 is wrong only
// where the double lies half-way between two float32: of normal ones, where its last 29 bits are
// 1 and 28 zeros. Sums below the least normal float32, but for 0, are taken for such.
[[gnu::always_inline]] inline v128_t fused_floats(v128_t a, v128_t b, v128_t c) {
  const v128_t first =
      wasm_f64x2_add(wasm_f64x2_mul(first_doubles(a), first_doubles(b)), first_doubles(c));
  const v128_t last =
      wasm_f64x2_add(wasm_f64x2_mul(last_doubles(a), last_doubles(b)), last_doubles(c));
  const v128_t low = wasm_i32x4_shuffle(first, last, 0, 2, 4, 6);
  const v128_t high = wasm_i32x4_shuffle(first, last, 1, 3, 5, 7);
  const v128_t ties = wasm_i32x4_eq(wasm_v128_and(low, wasm_i32x4_const_splat(0x1fffffff)),
                                    wasm_i32x4_const_splat(0x10000000));
  // Upper halves of magnitudes, 0 turned into the largest number and all others into negative ones.
  constexpr int kLeastNormal = (1023 - 126) << 20;
  const v128_t magnitude = wasm_v128_and(high, wasm_i32x4_const_splat(0x7fffffff));
  const v128_t ordered = wasm_i32x4_add(magnitude, wasm_i32x4_const_splat(0x7fffffff));
  const v128_t small =
      wasm_i32x4_lt(ordered, wasm_i32x4_const_splat(INT32_MIN + (kLeastNormal - 1)));
  if (__builtin_expect(wasm_v128_any_true(wasm_v128_or(ties, small)), 0)) {
    return fused_with_care(a, b, c);
  }
  return to_floats(first, last);
}

}  // namespace
}  // namespace sbnn
