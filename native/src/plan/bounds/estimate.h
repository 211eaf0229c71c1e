// What a graph will ask of memory and time, from the graph alone, so that an absurd one is refused
// before anything is allocated for its plan. Within a factor of two of what the plan then holds,
// see held.h; exact where it is easy. Figures are doubles, which no graph makes overflow.
#pragma once

#include "plan/plan.h"

namespace sbnn {

struct NodeEstimate {
  double constants = 0;  // bytes, as the kernels hold them, and tables by position
  double tensors = 0;    // bytes of what it writes; nothing where that exists in bands only
  double operations =
      0;  // one image's: multiply-adds, and values that anything else reads or changes
};

// `graph`'s node of this index. `plan` has its kernels and tensors; this adds to what a thread
// needs at most.
NodeEstimate estimate_node(const FusedGraph& graph, const Plan& plan, size_t index,
                           ScratchSizes* scratch);

// Bytes of an array of so many, with its slack; none where it is empty.
inline double array_bytes(double bytes) {
  return bytes == 0 ? 0 : bytes + static_cast<double>(kSlackBytes);
}

// The bytes of one thread's scratch of these sizes.
double scratch_bytes(const ScratchSizes& sizes);

// The part of a convolution. `channels`, `height` and `width` are its outputs'.
struct ConvShape {
  int64_t height, width, channels;
};
void estimate_binary_conv(const FusedNode& node, const TensorLayout& input, const ConvShape& shape,
                          const KernelTable& kernels, NodeEstimate* estimate,
                          ScratchSizes* scratch);
void estimate_real_conv(const FusedGraph& graph, const FusedNode& node, const TensorLayout& input,
                        const ConvShape& shape, const KernelTable& kernels, NodeEstimate* estimate,
                        ScratchSizes* scratch);

}  // namespace sbnn
