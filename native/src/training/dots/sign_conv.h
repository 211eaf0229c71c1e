// The forward pass of a binary convolution in training: reals become signs, signs become dots, by
// the engine's kernels.
#pragma once

#include <vector>

#include "run/executor.h"
#include "signbit/status.h"
#include "training/dots/window_sums.h"
#include "training/parallel.h"
#include "training/pointwise.h"

namespace sbnn {

struct SignConvShape {
  int64_t height, width, in_channels, out_channels;
  Pair kernel, stride, padding, dilation;
  int64_t groups = 1;
};

// A batch; everything is NHWC.
struct SignConvBatch {
  int64_t images;
  const float* x;
  const float* shift;  // [image][in_channels], added to x before its sign is taken; may be null
  uint8_t* signs;      // [image][pixel][sign_bytes()]
  float* dots;         // null: each image's are only handed to a callback
  float divisor = 1;   // of x + shift
  DotTerms terms{};    // which `dots` get; the offset where there are no groups, and without sums
};

// Whether all values are -1 or +1: set_weights sees no more of them than their sign.
bool are_signs(const float* values, int64_t count);

class SignConv {
 public:
  // One graph of one node; Code::kInput where no such convolution exists. Throws std::bad_alloc.
  static Status make(const SignConvShape& shape, SignConv* conv);

  SignConv() = default;
  SignConv(const SignConv&) = delete;
  SignConv& operator=(const SignConv&) = delete;

  int64_t out_height() const { return out_height_; }
  int64_t out_width() const { return out_width_; }
  int64_t sign_bytes() const { return sign_bytes_; }  // of a pixel

  // Packs new weights: (out, kernel y, kernel x, in / groups), negative or not.
  Status set_weights(const float* weights);

  // Packs and convolves all images, in `parts` ranges, and calls done(image, part, its dots) after
  // each. Not from two threads at once.
  template <typename Done>
  void run(const SignConvBatch& batch, int parts, Done done) {
    prepare(parts);
    parallel_ranges(batch.images, parts, [&](ImageRange images, int part) {
      for (int64_t image = images.begin; image < images.end; ++image) {
        done(image, part, run_image(batch, image, part));
      }
    });
  }

 private:
  Status plan_weights();
  void prepare(int parts);
  const float* run_image(const SignConvBatch& batch, int64_t image, int part);

  SignConvShape shape_{};
  // What callers may ask for while another thread runs.
  int64_t out_height_ = 0, out_width_ = 0, sign_bytes_ = 0;
  FusedGraph graph_;
  std::vector<uint64_t> weights_;
  Plan plan_;
  StoragePlan storage_;
  std::vector<Scratch> scratch_;               // by part
  std::vector<AlignedArray<uint8_t>> arenas_;  // signs of one image, with their border
  std::vector<AlignedArray<float>> dots_;      // of one image
  std::vector<WindowSums> sums_;               // by part
};

}  // namespace sbnn
