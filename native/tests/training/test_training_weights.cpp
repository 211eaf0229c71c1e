// The gradient of a convolution's weights, on every instruction set, against plain loops in double:
// odd sizes and channels, strides, paddings, kernels; what a caller has summed up before is kept.

#include "training_case.h"

using sbnn::GradientKernels;
using sbnn::ImageRange;
using test::FencedWork;
using test::TrainingCase;

namespace {

struct WeightCase : TrainingCase {
  WeightCase(const sbnn::TrainingConv& shape, sbnn::GradientForm form)
      : TrainingCase(shape, form), layout(conv.in_channels, 1) {
    // No slack: nothing beyond the last pixel may be read.
    bits.resize(static_cast<size_t>(conv.images * conv.height * conv.width * layout.pixel_bytes));
    for (size_t pixel = 0; pixel < bits.size(); pixel += static_cast<size_t>(layout.pixel_bytes)) {
      for (int64_t c = 0; c < conv.in_channels; ++c) {
        layout.put(bits.data() + pixel, c, test::integer(0, 1) == 1);
      }
    }
    before.resize(static_cast<size_t>(weight_index(conv.out_channels, 0, 0, 0)));
    for (float& value : before) value = test::real();
  }

  std::vector<float> run(const GradientKernels& kernels, ImageRange range, uint8_t fill) const {
    FencedWork work(sbnn::weight_gradient_work_bytes(kernels, conv), fill);
    std::vector<float> result = before;
    sbnn::weight_gradient(kernels, conv, range, grad_out.data(), bits.data(), result.data(),
                          work.data());
    CHECK(work.whole());
    return result;
  }

  test::ExactSum exact(ImageRange range, int64_t filter, int64_t ky, int64_t kx,
                       int64_t channel) const {
    test::ExactSum sum;
    sum.add(before[static_cast<size_t>(weight_index(filter, ky, kx, channel))]);
    for (int64_t image = range.begin; image < range.end; ++image) {
      for (int64_t oy = 0; oy < conv.out_height; ++oy) {
        for (int64_t ox = 0; ox < conv.out_width; ++ox) {
          const int64_t y = oy * conv.stride_y + ky - conv.padding_y;
          const int64_t x = ox * conv.stride_x + kx - conv.padding_x;
          if (y < 0 || x < 0 || y >= conv.height || x >= conv.width) continue;
          const int64_t pixel = (image * conv.height + y) * conv.width + x;
          const bool negative = layout.get(bits.data() + pixel * layout.pixel_bytes, channel);
          const double value = grad(image, oy, ox, filter);
          sum.add(negative ? -value : value);
        }
      }
    }
    return sum;
  }

  void check(const GradientKernels& kernels, ImageRange range) const {
    const std::vector<float> result = run(kernels, range, 0xff);
    size_t at = 0, wrong = 0;
    for (int64_t filter = 0; filter < conv.out_channels; ++filter) {
      for (int64_t y = 0; y < conv.kernel_y; ++y) {
        for (int64_t x = 0; x < conv.kernel_x; ++x) {
          for (int64_t channel = 0; channel < conv.in_channels; ++channel, ++at) {
            wrong += exact(range, filter, y, x, channel).admits(result[at]) ? 0 : 1;
          }
        }
      }
    }
    CHECK(wrong == 0);
    // The same bits whatever lay in the work space; nothing at all for no images.
    const std::vector<float> again = run(kernels, range, 0x11);
    CHECK(std::memcmp(result.data(), again.data(), 4 * result.size()) == 0);
    if (range.begin == range.end) {
      CHECK(std::memcmp(result.data(), before.data(), 4 * result.size()) == 0);
    }
  }

  sbnn::BitsLayout layout;
  std::vector<uint8_t> bits;
  std::vector<float> before;
};

}  // namespace

int main() {
  for (const sbnn::GradientForm form : test::kGradientForms) {
    for (const GradientKernels* kernels : sbnn::usable_gradients(form)) {
      for (int i = 0; i < 60; ++i) {
        const WeightCase drawn(test::random_conv(), form);
        const int64_t begin = test::integer(0, static_cast<int>(drawn.conv.images));
        const int64_t end =
            test::integer(static_cast<int>(begin), static_cast<int>(drawn.conv.images));
        drawn.check(*kernels, {begin, end});
      }
      // Several blocks of an image; several images per block, the last block not full.
      for (const auto& conv :
           {test::training_conv(2, 33, 16, 20, 3, 1, 1),
            test::training_conv(21, 4, 70, 33, 3, 1, 1), test::training_conv(2, 40, 33, 3, 3, 2, 1),
            test::training_conv(7, 9, 64, 16, 1, 1, 0)}) {
        const WeightCase fixed(conv, form);
        fixed.check(*kernels, {0, conv.images});
      }
    }
  }
  return test::finish();
}
