// signbit.runtime._native.training: non-linearities with parameters for each channel, over plain
// arrays (images, pixels, channels). The GIL is released while they run.

#include <initializer_list>
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

// Checks a pass forward and calls run(first value, pixels) for each thread's images.
template <typename Run>
void run_forward(const Values& x, std::initializer_list<Values> constants, const Array<float>& y,
                 int threads, Run run) {
  const Extent extent = extent_of(x);
  for (const Values& each : constants) require_size(each, extent.channels);
  require_size(y, static_cast<int64_t>(x.size()));
  const GilRelease release;
  sbnn::parallel_ranges(extent.images, threads, [&](sbnn::ImageRange range, int) {
    run(range.begin * extent.pixels * extent.channels, (range.end - range.begin) * extent.pixels);
  });
}

// The same for a pass backward: run(first value, pixels, sums) adds up `parameters` sums for each
// channel, which become the rows of of_parameters.
template <typename Run>
void run_backward(const Values& x, const Values& gradient, std::initializer_list<Values> constants,
                  const Array<float>& of_x, const Array<float>& of_parameters, int parameters,
                  int threads, Run run) {
  const Extent extent = extent_of(x);
  for (const Values& each : constants) require_size(each, extent.channels);
  require_size(gradient, static_cast<int64_t>(x.size()));
  require_size(of_x, static_cast<int64_t>(x.size()));
  require_size(of_parameters, parameters * extent.channels);
  float* const totals = of_parameters.data();
  const GilRelease release;
  sbnn::ChannelSums sums(threads, extent.channels, parameters);
  sbnn::parallel_ranges(extent.images, threads, [&](sbnn::ImageRange range, int part) {
    run(range.begin * extent.pixels * extent.channels, (range.end - range.begin) * extent.pixels,
        sums.of(part));
  });
  std::vector<double> total(static_cast<size_t>(parameters * extent.channels));
  sums.total(total.data());
  for (size_t i = 0; i < total.size(); ++i) totals[i] = static_cast<float>(total[i]);
}

// before, slope, after: float32 (channels,).
void rprelu(const Values& x, const Values& before, const Values& slope, const Values& after,
            const Array<float>& y, int threads) {
  const sbnn::RPReLUConstants constants{before.data(), slope.data(), after.data()};
  const int64_t channels = extent_of(x).channels;
  run_forward(
      x, {before, slope, after}, y, threads,
      [from = x.data(), to = y.data(), &constants, channels](int64_t first, int64_t pixels) {
        sbnn::pointwise_table().rprelu(from + first, constants, pixels, channels, to + first);
      });
}

// of_parameters (3, channels): the gradients of before, slope and after.
void rprelu_gradients(const Values& x, const Values& gradient, const Values& before,
                      const Values& slope, const Array<float>& of_x,
                      const Array<float>& of_parameters, int threads) {
  const sbnn::RPReLUConstants constants{before.data(), slope.data(), nullptr};
  const int64_t channels = extent_of(x).channels;
  run_backward(x, gradient, {before, slope}, of_x, of_parameters, 3, threads,
               [from = x.data(), of_y = gradient.data(), to = of_x.data(), &constants, channels](
                   int64_t first, int64_t pixels, double* sums) {
                 sbnn::pointwise_table().rprelu_gradients(from + first, of_y + first, constants,
                                                          pixels, channels, to + first, sums);
               });
}

// negative, positive: float32 (channels,).
void maxout(const Values& x, const Values& negative, const Values& positive, const Array<float>& y,
            int threads) {
  const sbnn::MaxoutConstants constants{negative.data(), positive.data()};
  const int64_t channels = extent_of(x).channels;
  run_forward(
      x, {negative, positive}, y, threads,
      [from = x.data(), to = y.data(), &constants, channels](int64_t first, int64_t pixels) {
        sbnn::pointwise_table().maxout(from + first, constants, pixels, channels, to + first);
      });
}

// of_parameters (2, channels): the gradients of negative and positive.
void maxout_gradients(const Values& x, const Values& gradient, const Values& negative,
                      const Values& positive, const Array<float>& of_x,
                      const Array<float>& of_parameters, int threads) {
  const sbnn::MaxoutConstants constants{negative.data(), positive.data()};
  const int64_t channels = extent_of(x).channels;
  run_backward(x, gradient, {negative, positive}, of_x, of_parameters, 2, threads,
               [from = x.data(), of_y = gradient.data(), to = of_x.data(), &constants, channels](
                   int64_t first, int64_t pixels, double* sums) {
                 sbnn::pointwise_table().maxout_gradients(from + first, of_y + first, constants,
                                                          pixels, channels, to + first, sums);
               });
}

}  // namespace

void add_training_nonlinearities(nb::module_& module) {
  module.def("rprelu", rprelu, nb::arg("x"), nb::arg("before"), nb::arg("slope"), nb::arg("after"),
             nb::arg("y"), nb::arg("threads"));
  module.def("rprelu_gradients", rprelu_gradients, nb::arg("x"), nb::arg("gradient"),
             nb::arg("before"), nb::arg("slope"), nb::arg("of_x"), nb::arg("of_parameters"),
             nb::arg("threads"));
  module.def("maxout", maxout, nb::arg("x"), nb::arg("negative"), nb::arg("positive"), nb::arg("y"),
             nb::arg("threads"));
  module.def("maxout_gradients", maxout_gradients, nb::arg("x"), nb::arg("gradient"),
             nb::arg("negative"), nb::arg("positive"), nb::arg("of_x"), nb::arg("of_parameters"),
             nb::arg("threads"));
}

}  // namespace bindings
