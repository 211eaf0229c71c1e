// Kernels for AVX-512 with VPOPCNTDQ and VNNI: one instruction counts the bits of sixteen words,
// one multiplies and adds 32 pairs of int16.
#include "kernels/avx512/common.h"

namespace sbnn {
namespace {

struct Vec : Avx512 {
  static constexpr const char* kIsa = "avx512vpopcnt";
  // 16 counts, 3 weights and what a triple needs on its way fill the 32 registers.
  static constexpr int kDotPixels = 8;
  static constexpr bool kByteCounts = false;

  // sum + x0·w0 + x1·w1 in each lane, of int16 pairs.
  static Ints add_pairs(Ints sum, Ints x, Ints w) { return _mm512_dpwssd_epi32(sum, x, w); }

  struct Counts {
    __m512i once, twice;
  };

  static Counts no_counts() { return {_mm512_setzero_si512(), _mm512_setzero_si512()}; }
  static void count(Counts& counts, Words x) {
    counts.once = _mm512_add_epi32(counts.once, _mm512_popcnt_epi32(x));
  }
  static void count_sum(Counts& counts, Words sum, Words carry) {
    counts.once = _mm512_add_epi32(counts.once, _mm512_popcnt_epi32(sum));
    counts.twice = _mm512_add_epi32(counts.twice, _mm512_popcnt_epi32(carry));
  }
  static void first_sum(Counts& counts, Words sum, Words carry) {
    counts.once = _mm512_popcnt_epi32(sum);
    counts.twice = _mm512_popcnt_epi32(carry);
  }
  static Totals total(Totals totals, Counts counts) {
    return _mm512_add_epi32(
        totals, _mm512_add_epi32(counts.once, _mm512_add_epi32(counts.twice, counts.twice)));
  }
};

#include "kernels/generic/table.inl.h"

}  // namespace

const KernelTable kAvx512vpopcntKernels = make_table();

}  // namespace sbnn
