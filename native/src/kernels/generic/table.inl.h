// The generic kernels, instantiated for the vocabulary `Vec` of the including translation unit.
// Everything but the table has internal linkage: a linker must not merge code compiled for one
// instruction set with code compiled for another.

// A number that is known when code is compiled.
template <int kCount>
struct Count {
  static constexpr int value = kCount;
};

#include "kernels/generic/chain.inl.h"
#include "kernels/generic/dots/row_sums.inl.h"
#include "kernels/generic/epilogue.inl.h"
#include "kernels/generic/limit.inl.h"
#include "kernels/generic/mean_abs.inl.h"
#include "kernels/generic/pool.inl.h"
#include "kernels/generic/real_conv.inl.h"
#include "kernels/generic/sign_sums.inl.h"

constexpr KernelTable make_table() {
  return {Vec::kIsa,   kFilterLanes, Vec::kFloatLanes, Vec::kTileVectors, 2,
          kSideBySide, kLooksUp,     binary_dot,       kFinishDots,       xor_triples,
          real_conv,   pixel_conv,   max_dots,         max_pool,          max_sums,
          avg_pool,    row_sums,     sign_sums,        mean_abs,          epilogue,
          chain,       exponentials, binary_limit,     real_limit};
}
