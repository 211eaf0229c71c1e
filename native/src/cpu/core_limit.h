// How fast one core of this machine can be at most, so that a node's speed can be judged.
#pragma once

#include <string>

#include "kernels/kernels.h"

namespace sbnn {

// G multiply-adds per second of one core for a kernel of this name (NodePlan::kernel): plain xor,
// count and add of signs for conv_b1, fused multiply-adds for conv_f32, 0 for all others. The
// first call for a table measures for a few milliseconds; the process remembers.
double core_limit(const KernelTable& kernels, const std::string& kernel_name);

}  // namespace sbnn
