// signbit.runtime._native.training: maps of one value per pixel, over plain arrays (pixels,
// channels). The GIL is released while they run.

#include "training/parallel.h"
#include "training/pointwise.h"
#include "training_arrays.h"

namespace bindings {
namespace {

using Values = Array<const float>;

int64_t channels_of(const Values& values) {
  if (values.ndim() != 2) throw nb::value_error("values have no two dimensions");
  return static_cast<int64_t>(values.shape(1));
}

// Calls run(first pixel, pixels) for each thread's part of a map.
template <typename Run>
void run_pixels(const Values& map, int threads, Run run) {
  const auto pixels = static_cast<int64_t>(map.size());
  const GilRelease release;
  sbnn::parallel_ranges(pixels, threads, [&](sbnn::ImageRange range, int) {
    run(range.begin, range.end - range.begin);
  });
}

// map, of_map: float32 (pixels,); all others (pixels, channels).
void times_map_gradients(const Values& y, const Values& map, const Values& gradient,
                         const Array<float>& of_y, const Array<float>& of_map, int threads) {
  const int64_t channels = channels_of(y), values = static_cast<int64_t>(map.size()) * channels;
  require_size(y, values);
  require_size(gradient, values);
  require_size(of_y, values);
  require_size(of_map, static_cast<int64_t>(map.size()));
  const float* const from = y.data();
  const float* const by = map.data();
  const float* const of = gradient.data();
  run_pixels(map, threads, [&, to = of_y.data(), sums = of_map.data()](int64_t p, int64_t pixels) {
    const int64_t at = p * channels;
    sbnn::pointwise_table().times_map_gradients(from + at, by + p, of + at, pixels, channels,
                                                to + at, sums + p);
  });
}

// addend: float32 (pixels,); x and sum (pixels, channels).
void add_by_sign(const Values& x, const Values& addend, const Array<float>& sum, int threads) {
  const int64_t channels = channels_of(x), values = static_cast<int64_t>(addend.size()) * channels;
  require_size(x, values);
  require_size(sum, values);
  const float* const from = x.data();
  const float* const by = addend.data();
  run_pixels(addend, threads, [&, to = sum.data()](int64_t p, int64_t pixels) {
    const int64_t at = p * channels;
    sbnn::pointwise_table().add_by_sign(from + at, by + p, pixels, channels, to + at);
  });
}

}  // namespace

void add_training_maps(nb::module_& module) {
  module.def("times_map_gradients", times_map_gradients, nb::arg("y"), nb::arg("map"),
             nb::arg("gradient"), nb::arg("of_y"), nb::arg("of_map"), nb::arg("threads"));
  module.def("add_by_sign", add_by_sign, nb::arg("x"), nb::arg("addend"), nb::arg("sum"),
             nb::arg("threads"));
}

}  // namespace bindings
