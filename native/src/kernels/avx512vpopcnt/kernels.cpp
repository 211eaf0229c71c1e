// Kernels for AVX-512 with VPOPCNTDQ: one instruction counts the bits of eight words.
#include "kernels/avx512/common.h"

namespace sbnn {
namespace {

struct Vec : Avx512 {
  static constexpr const char* kIsa = "avx512vpopcnt";
  // 24 totals, 4 weights and a word fill 29 of the 32 registers.
  static constexpr int kDotPixels = 24;    // pixels × vectors of a tile of dots
  static constexpr int kCountedWords = 0;  // counts are totals

  using Counts = Totals;

  static Counts no_counts() { return no_totals(); }
  static Totals total(Totals totals, Counts counts) { return _mm512_add_epi64(totals, counts); }
  static Counts count(Counts counts, Words x) {
    return _mm512_add_epi64(counts, _mm512_popcnt_epi64(x));
  }
};

#include "kernels/generic/table.inl.h"

}  // namespace

const KernelTable kAvx512vpopcntKernels = make_table();

}  // namespace sbnn
