// A convolution of signs with one channel in each group, forward and back. Everything is float32
// NHWC; weights are (kernel y, kernel x, channel), signs or any reals.
#pragma once

#include "training/parallel.h"
#include "training/pointwise.h"

namespace sbnn {

struct DepthwiseBatch {
  int64_t images;
  DepthwiseShape shape;
  const float* x;
  const float* shift;  // [image][channel], added to x before its sign is taken; may be null
  float divisor;       // of x + shift
  const float* weights;
};

// `terms` without an offset. In `parts` ranges, as the gradients. Throws std::bad_alloc.
void depthwise(const DepthwiseBatch& batch, const DotTerms& terms, int parts, float* y);

struct DepthwiseGradients {
  const float* of_y;
  float* of_x;
  float* of_shift;  // [image][channel], zeros to begin with; may be null
  float* products;  // the same, as SurrogateSums has them
  float* of_weights;
};

void depthwise_gradients(const DepthwiseBatch& batch, const SurrogateArgs& surrogate, int parts,
                         const DepthwiseGradients& gradients);

}  // namespace sbnn
