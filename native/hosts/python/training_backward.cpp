// The gradients of a binary convolution, for
// signbit.runtime._native.training.

#include <memory>
#include <mutex>

#include "plan/layouts/bits_layout.h"
#include "training/gradients/conv_backward.h"
#include "training_arrays.h"

namespace bindings {
namespace {

// Where a layer's input and what became of it lie; see sbnn::ConvBackwardBatch.
struct LayerInput {
  Array<const float> x;
  std::optional<Array<const float>> shift;
  Array<const uint8_t> signs;
  Array<const float> weights;
};

// What is written.
struct LayerGradients {
  Array<float> of_x;
  std::optional<Array<float>> of_shift;
  std::optional<Array<float>> products;
  Array<float> of_weights;
};

class ConvBackward {
 public:
  ConvBackward(const Sizes& size, const Sizes& channels, const Sizes& kernel, const Sizes& stride,
               const Sizes& padding, bool bfloat16) {
    sbnn::TrainingConv conv{};
    conv.height = size.first;
    conv.width = size.second;
    conv.in_channels = channels.first;
    conv.out_channels = channels.second;
    conv.kernel_y = kernel.first;
    conv.kernel_x = kernel.second;
    conv.stride_y = stride.first;
    conv.stride_x = stride.second;
    conv.padding_y = padding.first;
    conv.padding_x = padding.second;
    conv.out_height = sbnn::output_size(size.first, kernel.first, stride.first, padding.first);
    conv.out_width = sbnn::output_size(size.second, kernel.second, stride.second, padding.second);
    const auto form = bfloat16 ? sbnn::GradientForm::kBfloat16 : sbnn::GradientForm::kFloat32;
    raise_if_failed(sbnn::ConvBackward::make(conv, form, backward_.get()));
  }

  // From the gradient of the dots.
  void run(const Array<const float>& of_dots, const LayerInput& input, int kind, float t, float k,
           float divisor, const LayerGradients& gradients, int threads) {
    sbnn::ConvBackwardBatch batch = check(input, surrogate_of(kind, t, k, divisor), gradients);
    require_size(of_dots, batch.images * out_pixels() * backward_->conv().out_channels);
    batch.of_dots = of_dots.data();
    run_batch(batch, threads);
  }

 private:
  int64_t out_pixels() const { return backward_->conv().out_height * backward_->conv().out_width; }

  sbnn::ConvBackwardBatch check(const LayerInput& input, const sbnn::SurrogateArgs& surrogate,
                                const LayerGradients& gradients) const {
    const sbnn::TrainingConv& conv = backward_->conv();
    const int64_t pixels = conv.height * conv.width;
    sbnn::ConvBackwardBatch batch{};
    batch.images = static_cast<int64_t>(input.x.size()) / (pixels * conv.in_channels);
    require_size(input.x, batch.images * pixels * conv.in_channels);
    require_size(input.signs,
                 batch.images * pixels * sbnn::BitsLayout(conv.in_channels, 1).pixel_bytes);
    const int64_t weights = conv.out_channels * conv.kernel_y * conv.kernel_x * conv.in_channels;
    require_size(input.weights, weights);
    require_size(gradients.of_x, batch.images * pixels * conv.in_channels);
    require_size(gradients.of_weights, weights);
    batch.x = input.x.data();
    batch.shift = data_or_null(input.shift, batch.images * conv.in_channels);
    batch.signs = input.signs.data();
    batch.surrogate = surrogate;
    batch.weights = input.weights.data();
    batch.of_x = gradients.of_x.data();
    batch.of_shift = data_or_null(gradients.of_shift, batch.images * conv.in_channels);
    batch.products = data_or_null(gradients.products, batch.images * conv.in_channels);
    batch.of_weights = gradients.of_weights.data();
    return batch;
  }

  void run_batch(const sbnn::ConvBackwardBatch& batch, int threads) {
    const GilRelease release;
    const std::lock_guard<std::mutex> lock(mutex_);  // layers of one shape share a plan
    backward_->run(batch, threads);
  }

  std::mutex mutex_;
  std::unique_ptr<sbnn::ConvBackward> backward_ = std::make_unique<sbnn::ConvBackward>();
};

}  // namespace

void add_training_backward(nb::module_& module) {
  nb::class_<LayerInput>(module, "LayerInput")
      .def(nb::init<Array<const float>, std::optional<Array<const float>>, Array<const uint8_t>,
                    Array<const float>>(),
           nb::arg("x"), nb::arg("shift").none(), nb::arg("signs"), nb::arg("weights"));
  nb::class_<LayerGradients>(module, "LayerGradients")
      .def(nb::init<Array<float>, std::optional<Array<float>>, std::optional<Array<float>>,
                    Array<float>>(),
           nb::arg("of_x"), nb::arg("of_shift").none(), nb::arg("products").none(),
           nb::arg("of_weights"));
  nb::class_<ConvBackward>(module, "ConvBackward")
      .def(nb::init<const Sizes&, const Sizes&, const Sizes&, const Sizes&, const Sizes&, bool>(),
           nb::arg("size"), nb::arg("channels"), nb::arg("kernel"), nb::arg("stride"),
           nb::arg("padding"), nb::arg("bfloat16"))
      .def("run", &ConvBackward::run, nb::arg("of_dots"), nb::arg("input"), nb::arg("kind"),
           nb::arg("t"), nb::arg("k"), nb::arg("divisor"), nb::arg("gradients"),
           nb::arg("threads"));
}

}  // namespace bindings
