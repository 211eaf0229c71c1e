// Kernels for AVX-512 F, BW, DQ and VL, whose population count is a table look-up by nibbles.
#include "kernels/avx512/common.h"

namespace sbnn {
namespace {

struct Vec : Avx512 {
  static constexpr const char* kIsa = "avx512bw";
  static constexpr int kDotPixels = 16;  // pixels × vectors of a tile of dots
  // A step adds at most 8 to a byte: 31 steps reach 248.
  static constexpr int kCountedWords = 31;

  using Counts = __m512i;  // by byte

  static Counts no_counts() { return _mm512_setzero_si512(); }
  static Counts count(Counts counts, Words x) {
    const __m512i table =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(x, nibble));
    const __m512i high =
        _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(x, 4), nibble));
    return _mm512_add_epi8(counts, _mm512_add_epi8(low, high));
  }
  static Totals total(Totals totals, Counts counts) {
    return _mm512_add_epi64(totals, _mm512_sad_epu8(counts, _mm512_setzero_si512()));
  }
};

#include "kernels/generic/table.inl.h"

}  // namespace

const KernelTable kAvx512bwKernels = make_table();

}  // namespace sbnn
