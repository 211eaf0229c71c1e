// Gradients for AVX-512 F, BW, DQ and VL.
#include "kernels/avx512/common.h"
#include "training/gradients/gradient_kernels.h"

namespace sbnn {
namespace {

struct Vec : Avx512 {
  static constexpr const char* kIsa = "avx512bw";
};

#include "training/generic/float_steps.inl.h"
#include "training/generic/vector_bits.inl.h"

struct Steps : FloatSteps {
  // Of 32 registers: 8 pixels × 2 vectors, 3 taps × 2 and a broadcast; 8 filters × 3 vectors, 3 and
  // a broadcast.
  static constexpr int kVectors = 2;
  static constexpr int kFilters = 8;

  // Bit i moves to the top of lane i, where it is the sign of what is else +1.
  static Units signs(uint32_t bits) {
    const __m512i shift =
        _mm512_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16);
    const __m512i moved = _mm512_sllv_epi32(_mm512_set1_epi32(static_cast<int>(bits)), shift);
    return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(moved, _mm512_set1_epi32(INT32_MIN),
                                                         _mm512_set1_epi32(0x3f800000), 0xea));
  }
};

#include "training/generic/float_rows.inl.h"
//
#include "training/generic/table.inl.h"

}  // namespace

const GradientKernels kAvx512Gradients = make_gradients();

}  // namespace sbnn
