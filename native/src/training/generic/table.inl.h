// The gradients' kernels, instantiated for the vocabulary `Steps` of the including translation
// unit. Everything but the table has internal linkage: a linker must not merge code compiled for
// one instruction set with code compiled for another.
//
// Steps has: kIsa; kLanes; kVectors and kFilters, which size register tiles; kUnitValues; Sums, a
// vector of float32, and Units, a vector of factors, with what the kernels do to them.

#include "training/generic/input_row.inl.h"
#include "training/generic/weight_tile.inl.h"

constexpr GradientKernels make_gradients() {
  return {Steps::kIsa,     Steps::kLanes, Steps::kUnitValues, Steps::kVectors,
          Steps::kFilters, input_row,     weight_tile,        expand_signs,
          copy_pixels,     copy_filters,  pack_channels};
}
