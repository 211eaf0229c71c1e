// Kernels for AVX2 and FMA3.
#include "kernels/avx2/vector.h"

namespace sbnn {
namespace {
#include "kernels/generic/dots/byte_counts.inl.h"
//
#include "kernels/generic/dots/store_dots.inl.h"
//
#include "kernels/generic/table.inl.h"
}  // namespace

const KernelTable kAvx2Kernels = make_table();

}  // namespace sbnn
