// Kernels for AVX-512 F, BW, DQ and VL, whose population count is a table look-up by nibbles.
#include "kernels/avx512/common.h"

namespace sbnn {
namespace {

struct Vec : Avx512 {
  static constexpr const char* kIsa = "avx512bw";
  static constexpr int kDotPixels = 8;
  static constexpr bool kByteCounts = true;

  // sum + x0·w0 + x1·w1 in each lane, of int16 pairs.
  static Ints add_pairs(Ints sum, Ints x, Ints w) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(x, w));
  }

  using Counts = __m512i;  // by byte

  static Counts no_counts() { return _mm512_setzero_si512(); }
  static void count(Counts& counts, Words x) {
    counts = _mm512_add_epi8(counts, look_up(x, bits_of_nibble()));
  }
  static void first_sum(Counts& counts, Words sum, Words carry) {
    const __m512i once = bits_of_nibble();
    counts = _mm512_add_epi8(look_up(sum, once), look_up(carry, _mm512_add_epi8(once, once)));
  }
  static void count_sum(Counts& counts, Words sum, Words carry) {
    Counts more;
    first_sum(more, sum, carry);
    counts = _mm512_add_epi8(counts, more);
  }
  // The four bytes of a word added up, by way of two pairs.
  static Totals total(Totals totals, Counts counts) {
    const __m512i pairs = _mm512_maddubs_epi16(counts, _mm512_set1_epi8(1));
    return _mm512_add_epi32(totals, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }

 private:
  static __m512i bits_of_nibble() {
    return _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  }
  // A byte's count is a table look-up of its low and of its high nibble.
  static __m512i look_up(Words x, __m512i table) {
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(x, nibble));
    const __m512i high =
        _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(x, 4), nibble));
    return _mm512_add_epi8(low, high);
  }
};

#include "kernels/generic/table.inl.h"

}  // namespace

const KernelTable kAvx512bwKernels = make_table();

}  // namespace sbnn
