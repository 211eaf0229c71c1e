// The backward pass of a convolution of signs, for training: gradients of its input and of its
// weights, as pure functions over plain memory.
//
// Every function works on a range of images and on nothing else that can change, so that a caller
// gives each of its threads a range, a work space and, for the weights, a sum of its own. Results
// depend on the ranges only: not on time, and not on what other threads do.
//
// Two forms of arithmetic exist, both of float32 sums. kFloat32 takes the gradient as it is.
// kBfloat16 rounds each of its values to bfloat16 first (to nearest, ties to even; what is below
// float32's normal range counts as 0), which is exact for signs, and multiplies two at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "format/taps.h"
#include "signbit/status.h"

namespace sbnn {

// Windows that fit along one axis; 0 where not even one does.
inline int64_t output_size(int64_t size, int64_t kernel, int64_t stride, int64_t padding) {
  return Axis{size, kernel, stride, padding, padding}.outputs();
}

// One group, dilation 1. Tensors are dense, channels last.
struct TrainingConv {
  int64_t images, height, width, in_channels, out_channels;
  int64_t kernel_y, kernel_x, stride_y, stride_x, padding_y, padding_x;
  int64_t out_height, out_width;  // output_size() of both axes
};

// Code::kInput, and which field is wrong, unless sizes are positive, in range and fit together.
Status check_training_conv(const TrainingConv& conv);

enum class GradientForm : uint8_t { kFloat32, kBfloat16 };

// One form of arithmetic on one instruction set.
struct GradientKernels;

// All that this machine can run, best first.
std::vector<const GradientKernels*> usable_gradients(GradientForm form);

// `isa` is avx512bf16, avx512vpopcnt, avx512bw, avx2 or scalar; float32 is the same on the first
// three. Empty: the environment variable SIGNBIT_ISA; that empty or unset: the best. Code::kIsa for
// a name that is unknown, that the CPU or the OS cannot run, or that lacks the form: bfloat16 is
// never emulated, only avx512bf16 has it.
Status choose_gradients(const std::string& isa, GradientForm form, const GradientKernels** kernels);

const char* gradient_isa(const GradientKernels& kernels);

// Images [begin, end) of a batch.
struct ImageRange {
  int64_t begin, end;
};

// Weights as input_gradient reads them, packed once per step, for all threads.
//   signs   float32 (out_channels, kernel_y, kernel_x, in_channels), each +1 or -1
//   packed  packed_weight_bytes bytes, aligned to 64
int64_t packed_weight_bytes(const GradientKernels& kernels, const TrainingConv& conv);
void pack_weights(const GradientKernels& kernels, const TrainingConv& conv, const float* signs,
                  void* packed);

// What one call's work space must hold; aligned to 64 bytes, its contents do not matter.
int64_t input_gradient_work_bytes(const GradientKernels& kernels, const TrainingConv& conv);
int64_t weight_gradient_work_bytes(const GradientKernels& kernels, const TrainingConv& conv);

// Writes the range's images of `result`, which gets the gradient of the convolution's input.
//   grad_out  float32 (images, out_height, out_width, out_channels)
//   result    float32 (images, height, width, in_channels)
void input_gradient(const GradientKernels& kernels, const TrainingConv& conv, ImageRange range,
                    const float* grad_out, const void* packed, float* result, void* work);

// Adds to `result` what the range's images contribute to the gradient of the weights.
//   grad_out  as above
//   signs     bits (images, height, width) of in_channels: one bit per channel, 1 = negative.
//             Channel c of a pixel is bit c % 8 of byte c / 8; a pixel has 1, 2, 4 or a multiple of
//             8 bytes. There is no border; taps outside the image add nothing.
//   result    float32 (out_channels, kernel_y, kernel_x, in_channels)
void weight_gradient(const GradientKernels& kernels, const TrainingConv& conv, ImageRange range,
                     const float* grad_out, const uint8_t* signs, float* result, void* work);

}  // namespace sbnn
