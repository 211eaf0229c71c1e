// The vector vocabulary in AVX2 and FMA3: eight words, eight floats.
#pragma once

#include <immintrin.h>

#include "kernels/kernels.h"

namespace sbnn {
namespace {

struct Vec {
  static constexpr const char* kIsa = "avx2";
  static constexpr int kWordLanes = 8;
  static constexpr int kBytes = 32;
  static constexpr int kFloatLanes = 8;
  static constexpr int kTileVectors = 2;
  static constexpr int kDotPixels = 4;
  static constexpr int kSumPixels = 12;  // pixels × vectors of a tile of sums

  using Words = __m256i;
  using Counts = __m256i;  // by byte
  using Totals = __m256i;

  static Words load_words(const uint32_t* p) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Words broadcast_word(const void* p) {
    int word;
    __builtin_memcpy(&word, p, sizeof word);
    return _mm256_set1_epi32(word);
  }
  static Words xor_words(Words a, Words b) { return _mm256_xor_si256(a, b); }
  // The same value, which the compiler no longer knows to be the same.
  static void forget(Words& a) { asm("" : "+v"(a)); }
  // sum is x0 ^ x1 ^ x2: 1 where both are, and where one is and the sum is 0.
  static Words majority(Words x0, Words x1, Words sum) {
    return _mm256_or_si256(_mm256_and_si256(x0, x1),
                           _mm256_andnot_si256(sum, _mm256_xor_si256(x0, x1)));
  }
  static Totals no_totals() { return _mm256_setzero_si256(); }
  static Words and_words(Words a, Words b) { return _mm256_and_si256(a, b); }
  static Words xor_three(Words a, Words b, Words c) { return xor_words(xor_words(a, b), c); }
  static Words majority_of(Words a, Words b, Words c) {
    return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(xor_words(a, b), c));
  }
  static Counts no_counts() { return _mm256_setzero_si256(); }
  static Counts add_counts(Counts a, Counts b) { return _mm256_add_epi8(a, b); }
  // Each byte's set bits, times kWeight: table look-ups of its low and of its high nibble.
  template <int kWeight>
  static Counts count(Words x) {
    constexpr int k = kWeight;
    const __m256i table =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, k, k, 2 * k, k, 2 * k, 2 * k, 3 * k, k, 2 * k,
                                                  2 * k, 3 * k, 2 * k, 3 * k, 3 * k, 4 * k));
    const __m256i nibble = _mm256_set1_epi8(15);
    const __m256i low = _mm256_shuffle_epi8(table, _mm256_and_si256(x, nibble));
    const __m256i high =
        _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble));
    return _mm256_add_epi8(low, high);
  }
  // The four bytes of a word added up, by way of two pairs.
  static Totals add_to_totals(Totals totals, Counts counts) {
    const __m256i pairs = _mm256_maddubs_epi16(counts, _mm256_set1_epi8(1));
    return _mm256_add_epi32(totals, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  static void store_dots(int32_t* dots, const int32_t* base, Totals differing) {
    const __m256i full = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(base));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(dots),
                        _mm256_sub_epi32(full, _mm256_add_epi32(differing, differing)));
  }

  static Words xor_bytes(const uint8_t* a, const uint8_t* b, const uint8_t* c) {
    return _mm256_xor_si256(_mm256_xor_si256(load_bytes(a), load_bytes(b)), load_bytes(c));
  }
  static void store_bytes(uint8_t* p, Words v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }

  using Floats = __m256;
  using Ints = __m256i;

  // All bits of lane i set where bit i of `lanes` is.
  static __m256i lane_mask(uint32_t lanes) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i all = _mm256_set1_epi32(static_cast<int>(lanes));
    return _mm256_cmpeq_epi32(_mm256_and_si256(all, bit), bit);
  }
  static Floats load(const float* p) { return _mm256_loadu_ps(p); }
  // Lanes whose bit is clear are not read and give 0.
  static Floats load_lanes(const float* p, int64_t first, uint32_t lanes) {
    return _mm256_maskload_ps(p + first, lane_mask(lanes));
  }
  static void store(float* p, Floats v) { _mm256_storeu_ps(p, v); }
  static void store_first(float* p, Floats v, int count) {
    _mm256_maskstore_ps(p, lane_mask((1u << count) - 1), v);
  }
  static Floats set(float x) { return _mm256_set1_ps(x); }
  static Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Floats add_product(Floats sum, Floats a, Floats b) { return fma(a, b, sum); }
  static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static Floats subtract(Floats a, Floats b) { return _mm256_sub_ps(a, b); }
  static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
  static Floats divide(Floats a, Floats b) { return _mm256_div_ps(a, b); }
  static Floats negative(Floats a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
  // a > b ? a : b, so b where either is NaN.
  static Floats larger(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  // a < b ? a : b
  static Floats smaller(Floats a, Floats b) { return _mm256_min_ps(a, b); }
  // a < b ? x : y
  static Floats select_less(Floats a, Floats b, Floats x, Floats y) {
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
  }
  static uint64_t less(Floats a, Floats b) {
    return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ)));
  }
  // 2^n, where `shifted` is 1.5·2^23 + n.
  static Floats power_of_two(Floats shifted) {
    const __m256i n =
        _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(0x4b400000 - 127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(n, 23));
  }

  // Exclusive or of values as bits.
  static Floats flip_bits(Floats v, Ints bits) {
    return _mm256_xor_ps(v, _mm256_castsi256_ps(bits));
  }
  static Ints flip_bits(Ints v, Ints bits) { return _mm256_xor_si256(v, bits); }
  static Ints load_ints(const int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void store_ints(int32_t* p, Ints v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  static Ints larger_int(Ints a, Ints b) { return _mm256_max_epi32(a, b); }
  static uint64_t less_ints(Ints a, Ints b) {
    return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(b, a))));
  }
  static Ints no_ints() { return _mm256_setzero_si256(); }
  static Ints add_ints(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
  static Ints set_pair(const void* p) {
    int pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return _mm256_set1_epi32(pair);
  }
  // sum + x0·w0 + x1·w1 in each lane, of int16 pairs.
  static Ints add_pairs(Ints sum, Ints x, Ints w) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w));
  }
  static Floats to_floats(Ints v) { return _mm256_cvtepi32_ps(v); }

 private:
  static __m256i load_bytes(const uint8_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
};

}  // namespace
}  // namespace sbnn
