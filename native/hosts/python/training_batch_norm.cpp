// signbit.runtime._native.training: a batch normalisation of any reals, what is added to it and a
// clip, over plain arrays (images, pixels, channels). The GIL is released while they run.

#include "training/batch_norm.h"
#include "training_arrays.h"

namespace bindings {
namespace {

using Values = Array<const float>;
using MaybeValues = std::optional<Values>;
using MaybeJoin = std::optional<nb::callable>;

sbnn::BatchNormBatch batch_of(const Values& x, const Values& gamma, const Values& beta,
                              double eps) {
  if (x.ndim() != 3 || x.size() == 0) throw nb::value_error("x has no three dimensions, or none");
  sbnn::BatchNormBatch batch{};
  batch.images = static_cast<int64_t>(x.shape(0));
  batch.pixels = static_cast<int64_t>(x.shape(1));
  const auto channels = static_cast<int64_t>(x.shape(2));
  require_size(gamma, channels);
  require_size(beta, channels);
  batch.norm = {channels, gamma.data(), beta.data(), nullptr, eps};
  batch.x = x.data();
  return batch;
}

void batch_norm(const Values& x, const Values& gamma, const Values& beta, double eps,
                const MaybeValues& shortcut, bool clip, const Array<float>& y,
                const Array<double>& statistics, const Array<float>& mean,
                const Array<float>& variance, double momentum, int threads, const MaybeJoin& join) {
  sbnn::BatchNormBatch batch = batch_of(x, gamma, beta, eps);
  const auto values = static_cast<int64_t>(x.size());
  batch.shortcut = data_or_null(shortcut, values);
  batch.clip = clip;
  require_size(y, values);
  require_size(statistics, 2 * batch.norm.channels + 1);
  require_size(mean, batch.norm.channels);
  require_size(variance, batch.norm.channels);
  const sbnn::RunningStatistics running{mean.data(), variance.data(), momentum};
  float* const to = y.data();
  double* const totals = statistics.data();
  const GilRelease release;
  sbnn::batch_norm(batch, threads, to, totals, running, calling(join));
}

// y: where it was clipped.
void batch_norm_gradients(const Values& x, const Values& gamma, const Values& beta, double eps,
                          const Array<const double>& statistics, const MaybeValues& y,
                          const Values& of_y, const Array<float>& of_x,
                          const std::optional<Array<float>>& of_shortcut,
                          const Array<float>& of_gamma, const Array<float>& of_beta,
                          const Array<double>& sums, int threads, const MaybeJoin& join) {
  const sbnn::BatchNormBatch batch = batch_of(x, gamma, beta, eps);
  const auto values = static_cast<int64_t>(x.size());
  const int64_t channels = batch.norm.channels;
  require_size(statistics, 2 * channels + 1);
  require_size(of_y, values);
  require_size(of_x, values);
  require_size(of_gamma, channels);
  require_size(of_beta, channels);
  require_size(sums, 2 * channels);
  const sbnn::BatchNormGradients gradients{data_or_null(y, values),
                                           of_y.data(),
                                           of_x.data(),
                                           data_or_null(of_shortcut, values),
                                           {sums.data(), of_gamma.data(), of_beta.data()}};
  const double* const totals = statistics.data();
  const GilRelease release;
  sbnn::batch_norm_gradients(batch, totals, threads, gradients, calling(join));
}

}  // namespace

void add_training_batch_norm(nb::module_& module) {
  module.def("batch_norm", batch_norm, nb::arg("x"), nb::arg("gamma"), nb::arg("beta"),
             nb::arg("eps"), nb::arg("shortcut").none(), nb::arg("clip"), nb::arg("y"),
             nb::arg("statistics"), nb::arg("mean"), nb::arg("variance"), nb::arg("momentum"),
             nb::arg("threads"), nb::arg("join").none());
  module.def("batch_norm_gradients", batch_norm_gradients, nb::arg("x"), nb::arg("gamma"),
             nb::arg("beta"), nb::arg("eps"), nb::arg("statistics"), nb::arg("y").none(),
             nb::arg("of_y"), nb::arg("of_x"), nb::arg("of_shortcut").none(), nb::arg("of_gamma"),
             nb::arg("of_beta"), nb::arg("sums"), nb::arg("threads"), nb::arg("join").none());
}

}  // namespace bindings
