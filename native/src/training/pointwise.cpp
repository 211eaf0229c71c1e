#include "training/pointwise.h"

#include <cstring>

#include "cpu/dispatch.h"

namespace sbnn {
namespace {

// The table that goes with the engine's kernels: by name or as SIGNBIT_ISA says.
const PointwiseTable& choose() {
#if defined(SIGNBIT_X86_KERNELS)
  const KernelTable* kernels = nullptr;
  if (choose_kernels("", &kernels).ok()) {
    if (std::strncmp(kernels->isa, "avx512", 6) == 0) return kAvx512Pointwise;
    if (std::strcmp(kernels->isa, "avx2") == 0) return kAvx2Pointwise;
  }
#endif
  return kScalarPointwise;
}

}  // namespace

const PointwiseTable& pointwise_table() {
  static const PointwiseTable& table = choose();
  return table;
}

}  // namespace sbnn
