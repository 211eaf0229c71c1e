// Gradients for any CPU: baseline code.
#include "kernels/scalar/vector.h"
#include "training/gradients/gradient_kernels.h"

namespace sbnn {
namespace {

#include "training/generic/float_steps.inl.h"
#include "training/generic/vector_bits.inl.h"

struct Steps : FloatSteps {
  static constexpr int kVectors = 1;
  static constexpr int kFilters = 4;

  // Of signs a product is exact, and nothing needs to be fused; of other weights it is rounded.
  static Sums add(const Sums& sum, const Units& x, const Units& w) {
    return Vec::add(sum, Vec::multiply(x, w));
  }
  static Units signs(uint32_t bits) {
    return Vec::each([&](int i) { return (bits >> i & 1) != 0 ? -1.0f : 1.0f; });
  }
};

#include "training/generic/float_rows.inl.h"
//
#include "training/generic/table.inl.h"

}  // namespace

const GradientKernels kScalarGradients = make_gradients();

}  // namespace sbnn
