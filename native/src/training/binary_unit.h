// A binary convolution, a max pool, a batch normalisation, what is added to it and a clip, forward
// and back. Signs and dots live in memory of the calling thread, and are made again on the way
// back.
#pragma once

#include "signbit/status.h"
#include "training/dots/sign_conv.h"
#include "training/gradients/conv_backward.h"

namespace sbnn {

// Everything is float32 NHWC, weights are (out, kernel y, kernel x, in); out is a whole multiple of
// 16, and a filter's taps fit in int16.
struct BinaryUnitBatch {
  int64_t images;
  const float* x;
  const float* shift;         // [image][in], added to x before its sign is taken; may be null
  const float* weights;       // negative or not
  const float* weight_scale;  // [out], positive where dots are pooled; null: 1
  const float* gamma;         // [out]
  const float* beta;          // [out]
  const float* shortcut;      // like y; null: nothing
  bool add_input;             // x is the shortcut, instead; not with pooled dots
  bool clip;
  double eps;
};

struct BinaryUnitGradients {
  const float* y;  // as forward made it; null without a clip
  const float* of_y;
  float* of_x;
  float* of_shift;  // zeros to begin with; null where there is no shift
  float* of_weights;
  float* of_gamma;
  float* of_beta;
  float* of_shortcut;  // null where nobody asks
};

class BinaryUnit {
 public:
  // `conv` without groups and dilation; pools windows of `pool` × `pool`, 1: none. Code::kInput
  // where no such convolution exists, Code::kIsa where this machine lacks the form. Throws
  // std::bad_alloc.
  static Status make(const SignConvShape& conv, int64_t pool, GradientForm form, BinaryUnit* unit);

  int64_t height() const { return pool_.out_height(); }  // of y
  int64_t width() const { return pool_.out_width(); }
  const SignConvShape& shape() const { return shape_; }

  // y = clip(normalised scaled dots + shortcut); `statistics` become the scaled dots' mean[c],
  // their variance[c] and how many of a channel there are, which `join` may change. In `parts`
  // ranges, not from two threads at once, as is backward.
  Status forward(const BinaryUnitBatch& batch, int parts, float* y, double* statistics,
                 const RunningStatistics& running, const Join& join);
  // `sums` become the gradients of gamma[c] and beta[c]; the dots' gradient follows from what
  // `join` makes of them.
  Status backward(const BinaryUnitBatch& batch, const double* statistics,
                  const SurrogateArgs& surrogate, const BinaryUnitGradients& gradients, int parts,
                  double* sums, const Join& join);

 private:
  struct Dots;

  NormParameters norm(const BinaryUnitBatch& batch) const {
    return {shape_.out_channels, batch.gamma, batch.beta, batch.weight_scale, batch.eps};
  }
  int64_t pixels() const { return height() * width(); }
  template <typename Done>
  Status make_dots(const BinaryUnitBatch& batch, int parts, bool places, Dots* dots, Done done);

  SignConvShape shape_{};
  PoolShape pool_{};
  SignConv conv_;
  ConvBackward backward_;
};

}  // namespace sbnn
