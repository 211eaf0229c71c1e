// Gradients for AVX-512 F, BW, DQ and VL.
#include "kernels/avx512/common.h"
#include "training/gradient_kernels.h"

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

  static Units signs(uint32_t bits) {
    return _mm512_mask_blend_ps(static_cast<__mmask16>(bits), Vec::set(1.0f), Vec::set(-1.0f));
  }
};

#include "training/generic/float_rows.inl.h"
//
#include "training/generic/table.inl.h"

}  // namespace

const GradientKernels kAvx512Gradients = make_gradients();

}  // namespace sbnn
