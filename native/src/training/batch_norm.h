// A batch normalisation of any reals, what is added to it and a clip, forward and back. Everything
// is float32 NHWC.
#pragma once

#include "training/normalisation.h"

namespace sbnn {

struct BatchNormBatch {
  int64_t images, pixels;
  NormParameters norm;  // without a scale
  const float* x;
  const float* shortcut;  // like x; null: nothing
  bool clip;
};

// y = clip(normalised x + shortcut), in `parts` ranges; `statistics` and `join` as in
// finish_statistics.
void batch_norm(const BatchNormBatch& batch, int parts, float* y, double* statistics,
                const RunningStatistics& running, const Join& join);

struct BatchNormGradients {
  const float* y;  // as forward made it; null without a clip
  const float* of_y;
  float* of_x;
  float* of_shortcut;  // null where nobody asks
  NormGradients of_norm;
};

void batch_norm_gradients(const BatchNormBatch& batch, const double* statistics, int parts,
                          const BatchNormGradients& gradients, const Join& join);

}  // namespace sbnn
