// Kernels for AVX-512 F, BW, DQ and VL, whose population count is a table look-up by nibbles.
#include "kernels/avx512/common.h"

namespace sbnn {
namespace {

struct Vec : Avx512 {
  static constexpr const char* kIsa = "avx512bw";
  static constexpr int kDotPixels = 8;

  // sum + x0·w0 + x1·w1 in each lane, of int16 pairs.
  static Ints add_pairs(Ints sum, Ints x, Ints w) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(x, w));
  }

  using Counts = __m512i;  // by byte

  static Words and_words(Words a, Words b) { return _mm512_and_si512(a, b); }
  static Words xor_three(Words a, Words b, Words c) {
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
  }
  static Words majority_of(Words a, Words b, Words c) {
    return _mm512_ternarylogic_epi32(a, b, c, 0xe8);
  }
  static Counts no_counts() { return _mm512_setzero_si512(); }
  static Counts add_counts(Counts a, Counts b) { return _mm512_add_epi8(a, b); }
  // Each byte's set bits, times kWeight: table look-ups of its low and of its high nibble.
  template <int kWeight>
  static Counts count(Words x) {
    constexpr int k = kWeight;
    const __m512i table =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, k, k, 2 * k, k, 2 * k, 2 * k, 3 * k, k, 2 * k,
                                             2 * k, 3 * k, 2 * k, 3 * k, 3 * k, 4 * k));
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(x, nibble));
    const __m512i high =
        _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(x, 4), nibble));
    return _mm512_add_epi8(low, high);
  }
  // The four bytes of a word added up, by way of two pairs.
  static Totals add_to_totals(Totals totals, Counts counts) {
    const __m512i pairs = _mm512_maddubs_epi16(counts, _mm512_set1_epi8(1));
    return _mm512_add_epi32(totals, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
};

#include "kernels/generic/dots/byte_counts.inl.h"
//
#include "kernels/generic/dots/finish_dots.inl.h"
//
#include "kernels/generic/table.inl.h"

}  // namespace

const KernelTable kAvx512bwKernels = make_table();

}  // namespace sbnn
