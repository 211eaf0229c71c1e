// The backward pass of SignConv, and of the normalisation behind it where there is one. A few
// images at a time go through all of it, so that what lies between stays in the cache.
#pragma once

#include <vector>

#include "cpu/memory.h"
#include "signbit/status.h"
#include "training/normalisation.h"
#include "training/parallel.h"
#include "training/pointwise.h"
#include "training/training.h"

namespace sbnn {

// A batch; everything is NHWC, weights are (out, kernel y, kernel x, in).
struct ConvBackwardBatch {
  int64_t images;
  const float* of_dots;  // their gradient; null: it is made of what stands behind it
  const uint8_t*
      places;         // of pooled dots, as PointwiseTable::pool_dots writes them; null: not pooled
  int64_t pool_size;  // not with add_input
  NormBatch norm;     // of the dots, or the pooled ones
  NormBackward norm_gradient;
  NormSpread spread;
  const float* x;
  const float* shift;    // [image][in_channels]; may be null
  const uint8_t* signs;  // as SignConv wrote them
  SurrogateArgs surrogate;
  const float* weights;  // signs or, in the form of float32, any reals
  bool add_input;        // x is what the normalisation adds, too
  float* of_x;
  float* of_shift;     // zeros to begin with; null where there is no shift
  float* products;     // [image][in_channels], zeros, as SurrogateSums has them; may be null
  float* of_shortcut;  // null where there is none, or add_input
  float* of_weights;
};

class ConvBackward {
 public:
  // Code::kInput for a convolution that TrainingConv cannot describe; Code::kIsa where this machine
  // lacks the form. Throws std::bad_alloc.
  static Status make(const TrainingConv& conv, GradientForm form, ConvBackward* backward);

  const TrainingConv& conv() const { return conv_; }

  // In `parts` ranges. Not from two threads at once.
  void run(const ConvBackwardBatch& batch, int parts);

 private:
  // What one thread works in.
  struct Work {
    AlignedArray<uint8_t> input, weight;
    // Of a group of images. The second has the gradient of pooled dots, where there are any.
    AlignedArray<float> of_dots, of_shortcut;
    AlignedArray<float> of_weights;
  };

  void run_range(const ConvBackwardBatch& batch, ImageRange images, Work* work) const;
  void run_group(const ConvBackwardBatch& batch, ImageRange group, Work* work) const;
  const float* spread(const ConvBackwardBatch& batch, ImageRange group, Work* work) const;
  int64_t in_values() const { return conv_.height * conv_.width * conv_.in_channels; }
  int64_t out_values() const { return conv_.out_height * conv_.out_width * conv_.out_channels; }
  int64_t weight_values() const {
    return conv_.out_channels * conv_.kernel_y * conv_.kernel_x * conv_.in_channels;
  }

  TrainingConv conv_{};  // of a group of images
  const GradientKernels* kernels_ = nullptr;
  AlignedArray<uint8_t> packed_;
  std::vector<Work> work_;  // by part
};

}  // namespace sbnn
