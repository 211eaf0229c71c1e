// signbit.runtime._native.training: passes of training over plain arrays, which signbit/ops checks
// and makes; sizes are checked again here, as a wrong one would touch foreign memory. The GIL is
// released while they run.

#include <memory>
#include <mutex>

#include "training/dots/sign_conv.h"
#include "training/pointwise.h"
#include "training_arrays.h"

namespace bindings {
namespace {

class SignConv {
 public:
  SignConv(const Sizes& size, const Sizes& channels, const Sizes& kernel, const Sizes& stride,
           const Sizes& padding, const Sizes& dilation, int64_t groups) {
    shape_.height = size.first;
    shape_.width = size.second;
    shape_.in_channels = channels.first;
    shape_.out_channels = channels.second;
    shape_.kernel = pair_of(kernel);
    shape_.stride = pair_of(stride);
    shape_.padding = pair_of(padding);
    shape_.dilation = pair_of(dilation);
    shape_.groups = groups;
    raise_if_failed(sbnn::SignConv::make(shape_, conv_.get()));
  }

  int64_t sign_bytes() const { return conv_->sign_bytes(); }
  Sizes out_size() const { return {conv_->out_height(), conv_->out_width()}; }

  // float32 dots, and what else there is; see sbnn::SignConvBatch.
  void run(const Array<const float>& weights, const Array<const float>& x,
           const std::optional<Array<const float>>& shift, float divisor,
           const std::optional<Array<const float>>& scale,
           const std::optional<Array<const float>>& offset,
           const std::optional<Array<const float>>& border, const Array<uint8_t>& signs,
           const Array<float>& dots, int threads) {
    sbnn::SignConvBatch batch = check(weights, x, shift, signs);
    require_size(dots, batch.images * out_pixels() * shape_.out_channels);
    if (offset && shape_.groups != 1) throw nb::value_error("an offset has no groups");
    batch.dots = dots.data();
    batch.divisor = divisor;
    batch.terms.scale = data_or_null(scale, shape_.out_channels);
    batch.terms.offset = data_or_null(offset, shape_.out_channels);
    batch.terms.border = data_or_null(border, out_pixels() * shape_.out_channels);
    run_batch(batch, weights, threads, [](int64_t, int, const float*) {});
  }

 private:
  int64_t out_pixels() const { return conv_->out_height() * conv_->out_width(); }

  sbnn::SignConvBatch check(const Array<const float>& weights, const Array<const float>& x,
                            const std::optional<Array<const float>>& shift,
                            const Array<uint8_t>& signs) const {
    const int64_t pixels = shape_.height * shape_.width;
    sbnn::SignConvBatch batch{};
    batch.images = static_cast<int64_t>(x.size()) / (pixels * shape_.in_channels);
    require_size(x, batch.images * pixels * shape_.in_channels);
    require_size(weights, shape_.out_channels * shape_.kernel.y * shape_.kernel.x *
                              (shape_.in_channels / shape_.groups));
    require_size(signs, batch.images * pixels * conv_->sign_bytes());
    batch.x = x.data();
    batch.shift = data_or_null(shift, batch.images * shape_.in_channels);
    batch.signs = signs.data();
    return batch;
  }

  template <typename Done>
  void run_batch(const sbnn::SignConvBatch& batch, const Array<const float>& weights, int threads,
                 Done done) {
    const float* const latest = weights.data();
    sbnn::Status status;
    {
      const GilRelease release;
      const std::lock_guard<std::mutex> lock(mutex_);  // layers of one shape share a plan
      status = conv_->set_weights(latest);
      if (status.ok()) conv_->run(batch, threads, done);
    }
    raise_if_failed(status);
  }

  sbnn::SignConvShape shape_{};
  std::mutex mutex_;
  std::unique_ptr<sbnn::SignConv> conv_ = std::make_unique<sbnn::SignConv>();
};

// gradient (images, pixels, channels) in place; x the same; shift, sums and products (images,
// channels).
void surrogate_gradient(int kind, float t, float k, float divisor, const Array<const float>& x,
                        const std::optional<Array<const float>>& shift,
                        const Array<float>& gradient, const std::optional<Array<float>>& sums,
                        const std::optional<Array<float>>& products, int threads) {
  if (x.ndim() != 3) throw nb::value_error("x has no three dimensions");
  const sbnn::SurrogateArgs surrogate = surrogate_of(kind, t, k, divisor);
  const auto images = static_cast<int64_t>(x.shape(0)), pixels = static_cast<int64_t>(x.shape(1)),
             channels = static_cast<int64_t>(x.shape(2));
  require_size(gradient, images * pixels * channels);
  const float* const shifts = data_or_null(shift, images * channels);
  float* const totals = data_or_null(sums, images * channels);
  float* const of_products = data_or_null(products, images * channels);
  const float* const from = x.data();
  float* const to = gradient.data();
  const GilRelease release;
  sbnn::parallel_ranges(images, threads, [&](sbnn::ImageRange range, int) {
    for (int64_t image = range.begin; image < range.end; ++image) {
      const int64_t row = image * channels;
      sbnn::pointwise_table().surrogate_gradient(
          surrogate, from + row * pixels, shifts == nullptr ? nullptr : shifts + row, pixels,
          channels, to + row * pixels,
          {totals == nullptr ? nullptr : totals + row,
           of_products == nullptr ? nullptr : of_products + row});
    }
  });
}

// sum (images, pixels, channels) += addend (images, channels).
void add_by_channel(const Array<const float>& addend, const Array<float>& sum, int threads) {
  if (sum.ndim() != 3) throw nb::value_error("sum has no three dimensions");
  const auto images = static_cast<int64_t>(sum.shape(0)),
             pixels = static_cast<int64_t>(sum.shape(1)),
             channels = static_cast<int64_t>(sum.shape(2));
  require_size(addend, images * channels);
  const float* const from = addend.data();
  float* const to = sum.data();
  const GilRelease release;
  sbnn::parallel_ranges(images, threads, [&](sbnn::ImageRange range, int) {
    for (int64_t image = range.begin; image < range.end; ++image) {
      sbnn::pointwise_table().add_by_channel(from + image * channels, pixels, channels,
                                             to + image * pixels * channels);
    }
  });
}

// Whether all values are -1 or +1.
bool are_signs(const Array<const float>& values) {
  return sbnn::are_signs(values.data(), static_cast<int64_t>(values.size()));
}

}  // namespace

void add_training(nb::module_& module) {
  nb::class_<SignConv>(module, "SignConv")
      .def(nb::init<const Sizes&, const Sizes&, const Sizes&, const Sizes&, const Sizes&,
                    const Sizes&, int64_t>(),
           nb::arg("size"), nb::arg("channels"), nb::arg("kernel"), nb::arg("stride"),
           nb::arg("padding"), nb::arg("dilation"), nb::arg("groups"))
      .def_prop_ro("sign_bytes", &SignConv::sign_bytes)
      .def_prop_ro("out_size", &SignConv::out_size)
      .def("run", &SignConv::run, nb::arg("weights"), nb::arg("x"), nb::arg("shift").none(),
           nb::arg("divisor"), nb::arg("scale").none(), nb::arg("offset").none(),
           nb::arg("border").none(), nb::arg("signs"), nb::arg("dots"), nb::arg("threads"));
  module.def("are_signs", are_signs, nb::arg("values"));
  module.def("add_by_channel", add_by_channel, nb::arg("addend"), nb::arg("sum"),
             nb::arg("threads"));
  module.def("surrogate_gradient", surrogate_gradient, nb::arg("kind"), nb::arg("t"), nb::arg("k"),
             nb::arg("divisor"), nb::arg("x"), nb::arg("shift").none(), nb::arg("gradient"),
             nb::arg("sums").none(), nb::arg("products").none(), nb::arg("threads"));
  add_training_backward(module);
  add_training_unit(module);
  add_training_batch_norm(module);
  add_training_depthwise(module);
  add_training_nonlinearities(module);
  add_training_maps(module);
  add_training_meeting(module);
}

}  // namespace bindings
