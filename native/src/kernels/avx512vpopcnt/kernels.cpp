// Kernels for AVX-512 with VPOPCNTDQ and VNNI: one instruction counts the bits of sixteen words,
// one multiplies and adds 32 pairs of int16.
#include "kernels/avx512/common.h"

namespace sbnn {
namespace {

struct Vec : Avx512 {
  static constexpr const char* kIsa = "avx512vpopcnt";
  // 16 counts, 3 weights and what a triple needs on its way fill the 32 registers.
  static constexpr int kDotPixels = 8;

  // sum + x0·w0 + x1·w1 in each lane, of int16 pairs.
  static Ints add_pairs(Ints sum, Ints x, Ints w) { return _mm512_dpwssd_epi32(sum, x, w); }

  using Counts = Totals;
  static Counts no_counts() { return no_totals(); }
  template <int kWeight>
  static Counts count(Words x) {
    static_assert(kWeight == 1);
    return _mm512_popcnt_epi32(x);
  }
  static Counts add_counts(Counts a, Counts b) { return _mm512_add_epi32(a, b); }
  static Totals add_to_totals(Totals totals, Counts counts) { return add_counts(totals, counts); }
};

#include "kernels/generic/dots/word_counts.inl.h"
//
#include "kernels/generic/dots/finish_dots.inl.h"
//
#include "kernels/generic/table.inl.h"

}  // namespace

const KernelTable kAvx512vpopcntKernels = make_table();

}  // namespace sbnn
