// signbit.runtime._native.training: a convolution of signs with one channel in each group, over
// plain arrays. The GIL is released while they run.

#include "training/dots/depthwise.h"
#include "training_arrays.h"

namespace bindings {
namespace {

using Values = Array<const float>;
using MaybeValues = std::optional<Values>;

// Where a layer's input lies; see sbnn::DepthwiseBatch.
struct DepthwiseInput {
  Values x;  // (images, height, width, channels)
  MaybeValues shift;
  float divisor;
  Values weights;  // (kernel y, kernel x, channels)
  Sizes stride, padding, dilation;
};

sbnn::DepthwiseBatch batch_of(const DepthwiseInput& input) {
  const auto size = [&](const Values& array, size_t axis) {
    return static_cast<int64_t>(array.shape(axis));
  };
  const auto axis = [](int64_t size, int64_t kernel, int64_t stride, int64_t padding,
                       int64_t dilation) {
    if (stride < 1 || padding < 0 || dilation < 1) throw nb::value_error("no such geometry");
    const sbnn::Axis axis{size, kernel, stride, padding, padding, dilation};
    if (axis.outputs() < 1) throw nb::value_error("the kernel does not fit into the input");
    return axis;
  };
  const Values &x = input.x, &weights = input.weights;
  if (x.ndim() != 4 || weights.ndim() != 3 || x.size() == 0 || weights.size() == 0 ||
      x.shape(3) != weights.shape(2)) {
    throw nb::value_error("x and weights do not fit together");
  }
  sbnn::DepthwiseBatch batch{};
  batch.images = size(x, 0);
  batch.shape = {size(x, 3),
                 axis(size(x, 1), size(weights, 0), input.stride.first, input.padding.first,
                      input.dilation.first),
                 axis(size(x, 2), size(weights, 1), input.stride.second, input.padding.second,
                      input.dilation.second)};
  batch.x = x.data();
  batch.shift = data_or_null(input.shift, batch.images * batch.shape.channels);
  batch.divisor = input.divisor;
  batch.weights = weights.data();
  return batch;
}

int64_t results_of(const sbnn::DepthwiseBatch& batch) {
  return batch.shape.rows.outputs() * batch.shape.columns.outputs() * batch.shape.channels;
}

void depthwise(const DepthwiseInput& input, const MaybeValues& scale, const MaybeValues& border,
               const Array<float>& y, int threads) {
  const sbnn::DepthwiseBatch batch = batch_of(input);
  require_size(y, batch.images * results_of(batch));
  sbnn::DotTerms terms{};
  terms.scale = data_or_null(scale, batch.shape.channels);
  terms.border = data_or_null(border, results_of(batch));
  float* const to = y.data();
  const GilRelease release;
  sbnn::depthwise(batch, terms, threads, to);
}

void depthwise_gradients(const DepthwiseInput& input, int kind, float t, float k,
                         const Values& of_y, const Array<float>& of_x,
                         const std::optional<Array<float>>& of_shift,
                         const std::optional<Array<float>>& products,
                         const Array<float>& of_weights, int threads) {
  const sbnn::DepthwiseBatch batch = batch_of(input);
  const int64_t by_image = batch.images * batch.shape.channels;
  require_size(of_y, batch.images * results_of(batch));
  require_size(of_x, static_cast<int64_t>(input.x.size()));
  require_size(of_weights, static_cast<int64_t>(input.weights.size()));
  const sbnn::DepthwiseGradients gradients{of_y.data(), of_x.data(),
                                           data_or_null(of_shift, by_image),
                                           data_or_null(products, by_image), of_weights.data()};
  const sbnn::SurrogateArgs surrogate = surrogate_of(kind, t, k, input.divisor);
  const GilRelease release;
  sbnn::depthwise_gradients(batch, surrogate, threads, gradients);
}

}  // namespace

void add_training_depthwise(nb::module_& module) {
  nb::class_<DepthwiseInput>(module, "DepthwiseInput")
      .def(nb::init<Values, MaybeValues, float, Values, Sizes, Sizes, Sizes>(), nb::arg("x"),
           nb::arg("shift").none(), nb::arg("divisor"), nb::arg("weights"), nb::arg("stride"),
           nb::arg("padding"), nb::arg("dilation"));
  module.def("depthwise", depthwise, nb::arg("input"), nb::arg("scale").none(),
             nb::arg("border").none(), nb::arg("y"), nb::arg("threads"));
  module.def("depthwise_gradients", depthwise_gradients, nb::arg("input"), nb::arg("kind"),
             nb::arg("t"), nb::arg("k"), nb::arg("of_y"), nb::arg("of_x"),
             nb::arg("of_shift").none(), nb::arg("products").none(), nb::arg("of_weights"),
             nb::arg("threads"));
}

}  // namespace bindings
