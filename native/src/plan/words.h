// The words of a binary convolution's windows: which are gathered, and what completes their
// triples.
#pragma once

#include "plan/plan.h"

namespace sbnn {

constexpr int64_t kWordBytes = 4;  // of a binary convolution's signs

// Whether runs of so many bytes are gathered, see BinaryConvPlan: words side by side lie on whole
// words of their tensor.
inline bool is_gathered(const TensorLayout& input, int64_t run_bytes, const KernelTable& kernels) {
  return run_bytes % kWordBytes != 0 ||
         (kernels.side_by_side && input.pixel_bytes % kWordBytes != 0);
}

// Bytes of what completes the triples in so many bytes of signs.
inline int64_t triple_bytes(int64_t bytes, const KernelTable& kernels) {
  return kernels.side_by_side ? 3 * bytes : bytes;
}

// Weights of a filter, of 32 bits, for each word of a window.
inline int64_t weights_of_word(const KernelTable& kernels) { return kernels.looks_up ? 2 : 1; }

}  // namespace sbnn
