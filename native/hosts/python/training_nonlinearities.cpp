// signbit.runtime._native.training: non-linearities with parameters for each channel, over plain
// arrays (images, pixels, channels). The GIL is released while they run.

#include <vector>

#include "training/normalisation.h"
#include "training_arrays.h"

namespace bindings {
namespace {

using Values = Array<const float>;

struct Extent {
  int64_t images, pixels, channels;
};

Extent extent_of(const Values& x) {
  if (x.ndim() != 3) throw nb::value_error("x has no three dimensions");
  return {static_cast<int64_t>(x.shape(0)), static_cast<int64_t>(x.shape(1)),
          static_cast<int64_t>(x.shape(2))};
}

// before, slope, after: float32 (channels,).
void rprelu(const Values& x, const Values& before, const Values& slope, const Values& after,
            const Array<float>& y, int threads) {
  const Extent extent = extent_of(x);
  for (const Values& each : {before, slope, after}) require_size(each, extent.channels);
  require_size(y, static_cast<int64_t>(x.size()));
  const sbnn::RPReLUConstants constants{before.data(), slope.data(), after.data()};
  const float* const from = x.data();
  float* const to = y.data();
  const GilRelease release;
  sbnn::parallel_ranges(extent.images, threads, [&](sbnn::ImageRange range, int) {
    const int64_t first = range.begin * extent.pixels * extent.channels;
    sbnn::pointwise_table().rprelu(from + first, constants,
                                   (range.end - range.begin) * extent.pixels, extent.channels,
                                   to + first);
  });
}

// of_parameters (3, channels): the gradients of before, slope and after.
void rprelu_gradients(const Values& x, const Values& gradient, const Values& before,
                      const Values& slope, const Array<float>& of_x,
                      const Array<float>& of_parameters, int threads) {
  const Extent extent = extent_of(x);
  for (const Values& each : {before, slope}) require_size(each, extent.channels);
  require_size(gradient, static_cast<int64_t>(x.size()));
  require_size(of_x, static_cast<int64_t>(x.size()));
  require_size(of_parameters, 3 * extent.channels);
  const sbnn::RPReLUConstants constants{before.data(), slope.data(), nullptr};
  const float* const from = x.data();
  const float* const of_y = gradient.data();
  float* const to = of_x.data();
  float* const totals = of_parameters.data();
  const GilRelease release;
  sbnn::ChannelSums sums(threads, extent.channels, 3);
  sbnn::parallel_ranges(extent.images, threads, [&](sbnn::ImageRange range, int part) {
    const int64_t first = range.begin * extent.pixels * extent.channels;
    sbnn::pointwise_table().rprelu_gradients(from + first, of_y + first, constants,
                                             (range.end - range.begin) * extent.pixels,
                                             extent.channels, to + first, sums.of(part));
  });
  std::vector<double> total(static_cast<size_t>(3 * extent.channels));
  sums.total(total.data());
  for (size_t i = 0; i < total.size(); ++i) totals[i] = static_cast<float>(total[i]);
}

}  // namespace

void add_training_nonlinearities(nb::module_& module) {
  module.def("rprelu", rprelu, nb::arg("x"), nb::arg("before"), nb::arg("slope"), nb::arg("after"),
             nb::arg("y"), nb::arg("threads"));
  module.def("rprelu_gradients", rprelu_gradients, nb::arg("x"), nb::arg("gradient"),
             nb::arg("before"), nb::arg("slope"), nb::arg("of_x"), nb::arg("of_parameters"),
             nb::arg("threads"));
}

}  // namespace bindings
