// The gradient of a convolution's input, on every instruction set, against plain loops in double:
// odd sizes and channels, strides, paddings, kernels; images outside the range are left alone.

#include "training_case.h"

using sbnn::GradientKernels;
using sbnn::ImageRange;
using test::FencedWork;
using test::TrainingCase;

namespace {

constexpr float kUntouched = 12345.0f;

struct InputCase : TrainingCase {
  InputCase(const sbnn::TrainingConv& shape, sbnn::GradientForm form) : TrainingCase(shape, form) {
    signs.resize(static_cast<size_t>(weight_index(conv.out_channels, 0, 0, 0)));
    for (float& sign : signs) sign = test::integer(0, 1) == 0 ? 1.0f : -1.0f;
  }

  std::vector<float> run(const GradientKernels& kernels, ImageRange range, uint8_t fill) const {
    FencedWork packed(sbnn::packed_weight_bytes(kernels, conv), fill);
    FencedWork work(sbnn::input_gradient_work_bytes(kernels, conv), fill);
    std::vector<float> result(
        static_cast<size_t>(conv.images * conv.height * conv.width * conv.in_channels), kUntouched);
    sbnn::pack_weights(kernels, conv, signs.data(), packed.data());
    sbnn::input_gradient(kernels, conv, range, grad_out.data(), packed.data(), result.data(),
                         work.data());
    CHECK(packed.whole());
    CHECK(work.whole());
    return result;
  }

  test::ExactSum exact(int64_t image, int64_t y, int64_t x, int64_t channel) const {
    test::ExactSum sum;
    for (int64_t ky = 0; ky < conv.kernel_y; ++ky) {
      for (int64_t kx = 0; kx < conv.kernel_x; ++kx) {
        const int64_t down = y + conv.padding_y - ky, right = x + conv.padding_x - kx;
        if (down < 0 || right < 0 || down % conv.stride_y != 0 || right % conv.stride_x != 0) {
          continue;
        }
        const int64_t oy = down / conv.stride_y, ox = right / conv.stride_x;
        if (oy >= conv.out_height || ox >= conv.out_width) continue;
        for (int64_t filter = 0; filter < conv.out_channels; ++filter) {
          const float sign = signs[static_cast<size_t>(weight_index(filter, ky, kx, channel))];
          sum.add(double{grad(image, oy, ox, filter)} * sign);
        }
      }
    }
    return sum;
  }

  void check(const GradientKernels& kernels, ImageRange range) const {
    const std::vector<float> result = run(kernels, range, 0xff);
    size_t at = 0, wrong = 0;
    for (int64_t image = 0; image < conv.images; ++image) {
      for (int64_t y = 0; y < conv.height; ++y) {
        for (int64_t x = 0; x < conv.width; ++x) {
          for (int64_t channel = 0; channel < conv.in_channels; ++channel, ++at) {
            const bool inside = image >= range.begin && image < range.end;
            const bool right =
                inside ? exact(image, y, x, channel).admits(result[at]) : result[at] == kUntouched;
            wrong += right ? 0 : 1;
          }
        }
      }
    }
    CHECK(wrong == 0);
    // The same bits whatever lay in the work space.
    const std::vector<float> again = run(kernels, range, 0x11);
    CHECK(std::memcmp(result.data(), again.data(), 4 * result.size()) == 0);
  }

  std::vector<float> signs;
};

}  // namespace

int main() {
  for (const sbnn::GradientForm form : test::kGradientForms) {
    for (const GradientKernels* kernels : sbnn::usable_gradients(form)) {
      for (int i = 0; i < 60; ++i) {
        const InputCase drawn(test::random_conv(), form);
        const int64_t begin = test::integer(0, static_cast<int>(drawn.conv.images));
        const int64_t end =
            test::integer(static_cast<int>(begin), static_cast<int>(drawn.conv.images));
        drawn.check(*kernels, {begin, end});
      }
      // Several blocks of weights, several groups of images, four vectors at once.
      for (const auto& conv : {test::training_conv(3, 5, 128, 256, 3, 1, 1),
                               test::training_conv(9, 4, 70, 130, 3, 1, 1),
                               test::training_conv(5, 16, 16, 33, 3, 1, 1),
                               test::training_conv(2, 9, 40, 520, 3, 2, 1),
                               test::training_conv(2, 7, 33, 65, 5, 1, 2)}) {
        const InputCase fixed(conv, form);
        fixed.check(*kernels, {0, conv.images});
      }
    }
  }
  return test::finish();
}
