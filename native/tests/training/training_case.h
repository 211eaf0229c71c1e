// Random convolutions of signs with gradients, and what their backward pass is by plain loops.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "check.h"
#include "cpu/memory.h"
#include "draws.h"
#include "plan/layouts/bits_layout.h"
#include "training/training.h"

namespace test {

inline sbnn::TrainingConv training_conv(int64_t images, int64_t size, int64_t in_channels,
                                        int64_t out_channels, int64_t kernel, int64_t stride,
                                        int64_t padding) {
  sbnn::TrainingConv conv{images,  size,   size,   in_channels, out_channels,
                          kernel,  kernel, stride, stride,      padding,
                          padding, 0,      0};
  conv.out_height = sbnn::output_size(size, kernel, stride, padding);
  conv.out_width = conv.out_height;
  return conv;
}

// Both axes differ.
inline sbnn::TrainingConv random_conv() {
  const int kernels[] = {1, 2, 3, 5}, channels[] = {1, 3, 8, 16, 20, 32, 33, 50, 64};
  for (;;) {
    sbnn::TrainingConv conv{};
    conv.images = integer(1, 5);
    conv.height = integer(1, 12);
    conv.width = integer(1, 21);
    conv.in_channels = channels[integer(0, 8)];
    conv.out_channels = channels[integer(0, 8)];
    conv.kernel_y = kernels[integer(0, 3)];
    conv.kernel_x = kernels[integer(0, 3)];
    conv.stride_y = integer(1, 3);
    conv.stride_x = integer(1, 3);
    conv.padding_y = integer(0, 2);
    conv.padding_x = integer(0, 2);
    conv.out_height = sbnn::output_size(conv.height, conv.kernel_y, conv.stride_y, conv.padding_y);
    conv.out_width = sbnn::output_size(conv.width, conv.kernel_x, conv.stride_x, conv.padding_x);
    if (conv.out_height > 0 && conv.out_width > 0) return conv;
  }
}

inline float to_bfloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const uint32_t low = bits & 0xffffu, even = bits & 0x10000u;
  bits &= 0xffff0000u;
  if (low > 0x8000u || (low == 0x8000u && even != 0)) bits += 0x10000u;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// A sum by definition, and what n float32 additions in any order may make of it: each term meets at
// most n - 1 roundings of half a unit in the last place (n, with what the sum is added to).
struct ExactSum {
  double sum = 0, magnitude = 0;
  int64_t terms = 0;

  void add(double term) {
    sum += term;
    magnitude += std::fabs(term);
    ++terms;
  }
  bool admits(float value) const {
    const double rounding = static_cast<double>(terms) * std::ldexp(1.0, -24);
    return std::fabs(value - sum) <= 1.001 * rounding * magnitude;
  }
};

struct TrainingCase {
  TrainingCase(const sbnn::TrainingConv& shape, sbnn::GradientForm form) : conv(shape) {
    grad_out.resize(
        static_cast<size_t>(conv.images * conv.out_height * conv.out_width * conv.out_channels));
    // Ties of the rounding, too: bits just beyond a bfloat16's.
    for (float& value : grad_out) value = integer(0, 3) == 0 ? tie() : real();
    used = grad_out;
    if (form == sbnn::GradientForm::kBfloat16) {
      for (float& value : used) value = to_bfloat16(value);
    }
  }

  static float tie() {
    const uint32_t bits = 0x3f800000u + (static_cast<uint32_t>(integer(0, 255)) << 15);
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return integer(0, 1) == 0 ? value : -value;
  }

  float grad(int64_t image, int64_t y, int64_t x, int64_t filter) const {
    return used[static_cast<size_t>(
        ((image * conv.out_height + y) * conv.out_width + x) * conv.out_channels + filter)];
  }
  int64_t weight_index(int64_t filter, int64_t y, int64_t x, int64_t channel) const {
    return ((filter * conv.kernel_y + y) * conv.kernel_x + x) * conv.in_channels + channel;
  }

  sbnn::TrainingConv conv;
  std::vector<float> grad_out;  // as it is given
  std::vector<float> used;      // as the form rounds it
};

// Work space full of what nobody may rely on, with a fence behind it.
class FencedWork {
 public:
  FencedWork(int64_t bytes, uint8_t fill)
      : bytes_(static_cast<size_t>(bytes)), memory_(bytes_ + kFence) {
    std::memset(memory_.data(), fill, bytes_);
    std::memset(memory_.data() + bytes_, kMark, kFence);
  }
  uint8_t* data() { return memory_.data(); }
  bool whole() const {
    for (size_t i = bytes_; i < bytes_ + kFence; ++i) {
      if (memory_[i] != kMark) return false;
    }
    return true;
  }

 private:
  static constexpr size_t kFence = 128;
  static constexpr uint8_t kMark = 0x5a;
  size_t bytes_;
  sbnn::AlignedArray<uint8_t> memory_;
};

constexpr sbnn::GradientForm kGradientForms[] = {sbnn::GradientForm::kFloat32,
                                                 sbnn::GradientForm::kBfloat16};

}  // namespace test
