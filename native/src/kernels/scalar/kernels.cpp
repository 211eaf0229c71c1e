// Kernels for any CPU: baseline code, fused multiply-add from the C library.
#include "kernels/scalar/vector.h"

namespace sbnn {
namespace {
#include "kernels/generic/dots/word_counts.inl.h"
//
#include "kernels/generic/dots/store_dots.inl.h"
//
#include "kernels/generic/table.inl.h"
}  // namespace

const KernelTable kScalarKernels = make_table();

}  // namespace sbnn
