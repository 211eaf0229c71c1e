// A binary convolution and its normalisation, forward and back, for
// signbit.runtime._native.training.

#include <memory>
#include <mutex>

#include "training/binary_unit.h"
#include "training_arrays.h"

namespace bindings {
namespace {

// See sbnn::BinaryUnitBatch.
struct UnitInput {
  Array<const float> x;
  std::optional<Array<const float>> shift;
  Array<const float> weights;
  std::optional<Array<const float>> weight_scale;
  Array<const float> gamma, beta;
  std::optional<Array<const float>> shortcut;
  bool add_input, clip;
  double eps;
};

// See sbnn::BinaryUnitGradients.
struct UnitGradients {
  std::optional<Array<const float>> y;  // of a unit that clips
  Array<const float> of_y;
  Array<float> of_x;
  std::optional<Array<float>> of_shift;
  Array<float> of_weights, of_gamma, of_beta;
  std::optional<Array<float>> of_shortcut;
};

class BinaryUnit {
 public:
  BinaryUnit(const Sizes& size, const Sizes& channels, const Sizes& kernel, const Sizes& stride,
             const Sizes& padding, int64_t pool, bool bfloat16) {
    sbnn::SignConvShape shape{};
    shape.height = size.first;
    shape.width = size.second;
    shape.in_channels = channels.first;
    shape.out_channels = channels.second;
    shape.kernel = pair_of(kernel);
    shape.stride = pair_of(stride);
    shape.padding = pair_of(padding);
    shape.dilation = {1, 1};
    if (channels.second % 16 != 0) throw nb::value_error("channels are no multiple of 16");
    if (pool < 1 || pool > 15) throw nb::value_error("pool is not 1 to 15");
    const auto form = bfloat16 ? sbnn::GradientForm::kBfloat16 : sbnn::GradientForm::kFloat32;
    raise_if_failed(sbnn::BinaryUnit::make(shape, pool, form, unit_.get()));
    if (unit_->height() < 1 || unit_->width() < 1) {
      throw nb::value_error("pool is larger than the image");
    }
  }

  Sizes out_size() const { return {unit_->height(), unit_->width()}; }

  void forward(const UnitInput& input, const Array<float>& y, const Array<double>& statistics,
               const Array<float>& mean, const Array<float>& variance, double momentum, int threads,
               const std::optional<nb::callable>& join) {
    const sbnn::BinaryUnitBatch batch = check(input);
    require_size(y, out_values(batch.images));
    require_size(statistics, 2 * out_channels() + 1);
    require_size(mean, out_channels());
    require_size(variance, out_channels());
    float* const to = y.data();
    double* const totals = statistics.data();
    const sbnn::RunningStatistics running{mean.data(), variance.data(), momentum};
    run([&] { return unit_->forward(batch, threads, to, totals, running, calling(join)); });
  }

  void backward(const UnitInput& input, const Array<const double>& statistics, int kind, float t,
                float k, const UnitGradients& arrays, int threads, const Array<double>& sums,
                const std::optional<nb::callable>& join) {
    const sbnn::BinaryUnitBatch batch = check(input);
    const int64_t values = out_values(batch.images), in = unit_->shape().in_channels;
    require_size(statistics, 2 * out_channels() + 1);
    require_size(sums, 2 * out_channels());
    if (arrays.y.has_value() != input.clip) throw nb::value_error("y goes with a clip");
    require_size(arrays.of_y, values);
    require_size(arrays.of_x, static_cast<int64_t>(input.x.size()));
    require_size(arrays.of_weights, static_cast<int64_t>(input.weights.size()));
    require_size(arrays.of_gamma, out_channels());
    require_size(arrays.of_beta, out_channels());
    if (arrays.of_shift.has_value() != input.shift.has_value()) {
      throw nb::value_error("a shift and its gradient go together");
    }
    const sbnn::BinaryUnitGradients gradients{data_or_null(arrays.y, values),
                                              arrays.of_y.data(),
                                              arrays.of_x.data(),
                                              data_or_null(arrays.of_shift, batch.images * in),
                                              arrays.of_weights.data(),
                                              arrays.of_gamma.data(),
                                              arrays.of_beta.data(),
                                              data_or_null(arrays.of_shortcut, values)};
    const sbnn::SurrogateArgs surrogate = surrogate_of(kind, t, k);
    const double* const totals = statistics.data();
    double* const of_norm = sums.data();
    run([&] {
      return unit_->backward(batch, totals, surrogate, gradients, threads, of_norm, calling(join));
    });
  }

 private:
  int64_t out_channels() const { return unit_->shape().out_channels; }
  int64_t out_values(int64_t images) const {
    return images * unit_->height() * unit_->width() * out_channels();
  }

  sbnn::BinaryUnitBatch check(const UnitInput& input) const {
    const sbnn::SignConvShape& shape = unit_->shape();
    const int64_t values = shape.height * shape.width * shape.in_channels;
    sbnn::BinaryUnitBatch batch{};
    batch.images = static_cast<int64_t>(input.x.size()) / values;
    require_size(input.x, batch.images * values);
    require_size(input.weights,
                 out_channels() * shape.kernel.y * shape.kernel.x * shape.in_channels);
    require_size(input.gamma, out_channels());
    require_size(input.beta, out_channels());
    if (input.add_input && out_values(batch.images) != batch.images * values) {
      throw nb::value_error("x cannot be added to what has another size");
    }
    batch.x = input.x.data();
    batch.shift = data_or_null(input.shift, batch.images * shape.in_channels);
    batch.weights = input.weights.data();
    batch.weight_scale = data_or_null(input.weight_scale, out_channels());
    batch.gamma = input.gamma.data();
    batch.beta = input.beta.data();
    batch.shortcut = data_or_null(input.shortcut, out_values(batch.images));
    batch.add_input = input.add_input;
    batch.clip = input.clip;
    batch.eps = input.eps;
    return batch;
  }

  template <typename Run>
  void run(Run run) {
    sbnn::Status status;
    {
      const GilRelease release;
      const std::lock_guard<std::mutex> lock(mutex_);  // layers of one shape share a plan
      status = run();
    }
    raise_if_failed(status);
  }

  std::mutex mutex_;
  std::unique_ptr<sbnn::BinaryUnit> unit_ = std::make_unique<sbnn::BinaryUnit>();
};

}  // namespace

void add_training_unit(nb::module_& module) {
  using MaybeIn = std::optional<Array<const float>>;
  using MaybeOut = std::optional<Array<float>>;
  nb::class_<UnitInput>(module, "UnitInput")
      .def(nb::init<Array<const float>, MaybeIn, Array<const float>, MaybeIn, Array<const float>,
                    Array<const float>, MaybeIn, bool, bool, double>(),
           nb::arg("x"), nb::arg("shift").none(), nb::arg("weights"),
           nb::arg("weight_scale").none(), nb::arg("gamma"), nb::arg("beta"),
           nb::arg("shortcut").none(), nb::arg("add_input"), nb::arg("clip"), nb::arg("eps"));
  nb::class_<UnitGradients>(module, "UnitGradients")
      .def(nb::init<MaybeIn, Array<const float>, Array<float>, MaybeOut, Array<float>, Array<float>,
                    Array<float>, MaybeOut>(),
           nb::arg("y").none(), nb::arg("of_y"), nb::arg("of_x"), nb::arg("of_shift").none(),
           nb::arg("of_weights"), nb::arg("of_gamma"), nb::arg("of_beta"),
           nb::arg("of_shortcut").none());
  nb::class_<BinaryUnit>(module, "BinaryUnit")
      .def(nb::init<const Sizes&, const Sizes&, const Sizes&, const Sizes&, const Sizes&, int64_t,
                    bool>(),
           nb::arg("size"), nb::arg("channels"), nb::arg("kernel"), nb::arg("stride"),
           nb::arg("padding"), nb::arg("pool"), nb::arg("bfloat16"))
      .def_prop_ro("out_size", &BinaryUnit::out_size)
      .def("forward", &BinaryUnit::forward, nb::arg("input"), nb::arg("y"), nb::arg("statistics"),
           nb::arg("mean"), nb::arg("variance"), nb::arg("momentum"), nb::arg("threads"),
           nb::arg("join").none())
      .def("backward", &BinaryUnit::backward, nb::arg("input"), nb::arg("statistics"),
           nb::arg("kind"), nb::arg("t"), nb::arg("k"), nb::arg("gradients"), nb::arg("threads"),
           nb::arg("sums"), nb::arg("join").none());
}

}  // namespace bindings
