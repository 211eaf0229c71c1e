// Gradients for AVX2 and FMA3.
#include "kernels/avx2/vector.h"
#include "training/gradients/gradient_kernels.h"

namespace sbnn {
namespace {

#include "training/generic/float_steps.inl.h"
#include "training/generic/vector_bits.inl.h"

struct Steps : FloatSteps {
  // Of 16 registers: 8 pixels, 3 taps and a broadcast; 4 filters × 3 vectors, 3 and a broadcast.
  static constexpr int kVectors = 1;
  static constexpr int kFilters = 4;

  static Units signs(uint32_t bits) {
    return _mm256_blendv_ps(Vec::set(1.0f), Vec::set(-1.0f),
                            _mm256_castsi256_ps(Vec::lane_mask(bits)));
  }
};

#include "training/generic/float_rows.inl.h"
//
#include "training/generic/table.inl.h"

}  // namespace

const GradientKernels kAvx2Gradients = make_gradients();

}  // namespace sbnn
