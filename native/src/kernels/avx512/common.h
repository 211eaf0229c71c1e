// What both AVX-512 vocabularies share: sixteen words, sixteen floats.
#pragma once

#include <immintrin.h>

#include "kernels/kernels.h"

namespace sbnn {
namespace {

struct Avx512 {
  static constexpr int kWordLanes = 16;
  static constexpr int kBytes = 64;
  static constexpr int kFloatLanes = 16;
  static constexpr int kTileVectors = 4;
  static constexpr int kSumPixels = 24;  // pixels × vectors of a tile of sums

  using Words = __m512i;
  using Totals = __m512i;

  static Words load_words(const uint32_t* p) { return _mm512_load_si512(p); }
  static Words broadcast_word(const void* p) {
    int word;
    __builtin_memcpy(&word, p, sizeof word);
    return _mm512_set1_epi32(word);
  }
  static Words xor_words(Words a, Words b) { return _mm512_xor_si512(a, b); }
  // The same value, which the compiler no longer knows to be the same.
  static void forget(Words& a) { asm("" : "+v"(a)); }
  // sum is x0 ^ x1 ^ x2: x0 where x0 = x1, else ~sum.
  static Words majority(Words x0, Words x1, Words sum) {
    return _mm512_ternarylogic_epi32(x0, x1, sum, 0xd4);
  }
  static Totals no_totals() { return _mm512_setzero_si512(); }
  static Totals dots(const int32_t* base, Totals differing) {
    return _mm512_sub_epi32(_mm512_loadu_si512(base), _mm512_add_epi32(differing, differing));
  }
  static void store_dots(int32_t* target, const int32_t* base, Totals differing) {
    _mm512_storeu_si512(target, dots(base, differing));
  }

  static Words xor_bytes(const uint8_t* a, const uint8_t* b, const uint8_t* c) {
    return _mm512_ternarylogic_epi32(_mm512_loadu_si512(a), _mm512_loadu_si512(b),
                                     _mm512_loadu_si512(c), 0x96);
  }
  static void store_bytes(uint8_t* p, Words v) { _mm512_storeu_si512(p, v); }

  using Floats = __m512;
  using Ints = __m512i;

  static Floats load(const float* p) { return _mm512_loadu_ps(p); }
  // Lanes whose bit is clear are not read and give 0.
  static Floats load_lanes(const float* p, int64_t first, uint32_t lanes) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>(lanes), p + first);
  }
  static void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }
  static void store_first(float* p, Floats v, int count) {
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
  }
  static Floats set(float x) { return _mm512_set1_ps(x); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Floats add_product(Floats sum, Floats a, Floats b) { return fma(a, b, sum); }
  static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm512_sub_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
  static Floats divide(Floats a, Floats b) { return _mm512_div_ps(a, b); }
  static Floats negative(Floats a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
  // a > b ? a : b, so b where either is NaN.
  static Floats larger(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  // a < b ? a : b
  static Floats smaller(Floats a, Floats b) { return _mm512_min_ps(a, b); }
  // a < b ? x : y
  static Floats select_less(Floats a, Floats b, Floats x, Floats y) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
  }
  static uint64_t less(Floats a, Floats b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  // 2^n, where `shifted` is 1.5·2^23 + n.
  static Floats power_of_two(Floats shifted) {
    const __m512i n =
        _mm512_sub_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(0x4b400000 - 127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(n, 23));
  }

  // Exclusive or of values as bits.
  static Floats flip_bits(Floats v, Ints bits) {
    return _mm512_xor_ps(v, _mm512_castsi512_ps(bits));
  }
  static Ints flip_bits(Ints v, Ints bits) { return _mm512_xor_si512(v, bits); }
  static Ints load_ints(const int32_t* p) { return _mm512_loadu_si512(p); }
  static void store_ints(int32_t* p, Ints v) { _mm512_storeu_si512(p, v); }
  static Ints larger_int(Ints a, Ints b) { return _mm512_max_epi32(a, b); }
  static uint64_t less_ints(Ints a, Ints b) { return _mm512_cmplt_epi32_mask(a, b); }
  static Ints no_ints() { return _mm512_setzero_si512(); }
  static Ints add_ints(Ints a, Ints b) { return _mm512_add_epi32(a, b); }
  static Ints set_pair(const void* p) {
    int pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
  }
  static Floats to_floats(Ints v) { return _mm512_cvtepi32_ps(v); }
};

}  // namespace
}  // namespace sbnn
