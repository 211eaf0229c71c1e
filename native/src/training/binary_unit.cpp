#include "training/binary_unit.h"

#include <algorithm>
#include <cmath>

namespace sbnn {
namespace {

// Memory that outlives a call: asking the system for it anew costs a page fault every 4 kB.
template <typename T>
T* grown(AlignedArray<T>* array, int64_t count) {
  if (array->size() < static_cast<size_t>(count)) {
    *array = AlignedArray<T>();
    *array = AlignedArray<T>(static_cast<size_t>(count));
  }
  return array->data();
}

// d normalised / d dots: s / sqrt(s²·variance + eps).
double deviation(const BinaryUnitBatch& batch, double variance, int64_t c) {
  if (batch.weight_scale == nullptr) return 1.0 / std::sqrt(variance + batch.eps);
  const double s = batch.weight_scale[c];
  return s * (1.0 / std::sqrt(s * s * variance + batch.eps));
}

void move(double to, double momentum, float* from) {
  *from += static_cast<float>(momentum) * (static_cast<float>(to) - *from);
}

}  // namespace

// What a batch's dots lie in, pooled; of the calling thread.
struct BinaryUnit::Dots {
  AlignedArray<uint8_t> signs, places;
  AlignedArray<int16_t> dots;
  AlignedArray<float> pooled;  // of one image, by part

  static Dots& own() {
    static thread_local Dots dots;
    return dots;
  }
};

Status BinaryUnit::make(const SignConvShape& conv, int64_t pool, GradientForm form,
                        BinaryUnit* unit) {
  SIGNBIT_TRY(SignConv::make(conv, &unit->conv_));
  unit->shape_ = conv;
  unit->pool_ = {unit->conv_.out_height(), unit->conv_.out_width(), pool};
  TrainingConv training{};
  training.height = conv.height;
  training.width = conv.width;
  training.in_channels = conv.in_channels;
  training.out_channels = conv.out_channels;
  training.kernel_y = conv.kernel.y;
  training.kernel_x = conv.kernel.x;
  training.stride_y = conv.stride.y;
  training.stride_x = conv.stride.x;
  training.padding_y = conv.padding.y;
  training.padding_x = conv.padding.x;
  training.out_height = unit->conv_.out_height();
  training.out_width = unit->conv_.out_width();
  return ConvBackward::make(training, form, &unit->backward_);
}

// Calls done(image, part, its dots as int16, as reals) after each image.
template <typename Done>
Status BinaryUnit::make_dots(const BinaryUnitBatch& batch, int parts, bool places, Dots* dots,
                             Done done) {
  SIGNBIT_TRY(conv_.set_weights(batch.weights));
  const int64_t values = pixels() * shape_.out_channels;
  const int64_t sign_bytes = shape_.height * shape_.width * conv_.sign_bytes();
  const bool pools = pool_.size > 1;
  uint8_t* const numbers = pools && places ? grown(&dots->places, batch.images * values) : nullptr;
  float* const pooled = pools ? grown(&dots->pooled, parts * values) : nullptr;
  int16_t* const kept = grown(&dots->dots, batch.images * values);
  const SignConvBatch signs{batch.images, batch.x, batch.shift,
                            grown(&dots->signs, batch.images * sign_bytes), nullptr};
  conv_.run(signs, parts, [&](int64_t image, int part, const float* of_image) {
    const int64_t first = image * values;
    if (pools) {
      float* const largest = pooled + part * values;
      pointwise_table().pool_dots(pool_, of_image, shape_.out_channels, largest,
                                  numbers == nullptr ? nullptr : numbers + first);
      of_image = largest;
    }
    done(image, part, kept + first, of_image);
  });
  return {};
}

Status BinaryUnit::forward(const BinaryUnitBatch& batch, int parts, float* y, double* statistics,
                           const RunningStatistics& running) {
  const int64_t channels = shape_.out_channels;
  Dots& dots = Dots::own();
  ChannelSums totals(parts, channels);
  SIGNBIT_TRY(make_dots(
      batch, parts, false, &dots, [&](int64_t, int part, int16_t* kept, const float* of_image) {
        pointwise_table().keep_dots(of_image, pixels(), channels, kept, totals.of(part));
      }));
  totals.total(statistics);
  const auto count = static_cast<double>(batch.images * pixels());
  std::vector<float> constants(static_cast<size_t>(2 * channels));
  for (int64_t c = 0; c < channels; ++c) {
    double& mean = statistics[c];
    double& variance = statistics[channels + c];
    mean /= count;
    variance = std::max(variance / count - mean * mean, 0.0);
    const double scale = batch.gamma[c] * deviation(batch, variance, c);
    constants[static_cast<size_t>(c)] = static_cast<float>(scale);
    constants[static_cast<size_t>(channels + c)] = static_cast<float>(batch.beta[c] - mean * scale);
    const double s = batch.weight_scale == nullptr ? 1.0 : batch.weight_scale[c];
    move(mean * s, running.momentum, running.mean + c);
    move(variance * s * s * (count / std::max(count - 1.0, 1.0)), running.momentum,
         running.variance + c);
  }
  const NormBatch norm{batch.images, pixels(), channels, dots.dots.data()};
  normalise(norm,
            {constants.data(), constants.data() + channels,
             batch.add_input ? batch.x : batch.shortcut, batch.clip, y},
            parts);
  return {};
}

Status BinaryUnit::backward(const BinaryUnitBatch& batch, const double* statistics,
                            const SurrogateArgs& surrogate, const BinaryUnitGradients& gradients,
                            int parts) {
  const int64_t channels = shape_.out_channels, values = pixels() * channels;
  const float* const clipped = gradients.y;
  Dots& dots = Dots::own();
  ChannelSums totals(parts, channels), unused(parts, channels);
  SIGNBIT_TRY(make_dots(batch, parts, true, &dots,
                        [&](int64_t image, int part, int16_t* kept, const float* of_image) {
                          pointwise_table().keep_dots(of_image, pixels(), channels, kept,
                                                      unused.of(part));
                          const int64_t first = image * values;
                          pointwise_table().sum_gradients(
                              kept, clipped == nullptr ? nullptr : clipped + first,
                              gradients.of_y + first, pixels(), channels, totals.of(part));
                        }));
  std::vector<double> sums(static_cast<size_t>(2 * channels));
  totals.total(sums.data());
  const auto count = static_cast<double>(batch.images * pixels());
  std::vector<float> spread(static_cast<size_t>(3 * channels));
  float* const by = spread.data();
  float* const slope = by + channels;
  float* const offset = slope + channels;
  for (int64_t c = 0; c < channels; ++c) {
    const double mean = statistics[c];
    const double of_beta = sums[static_cast<size_t>(c)];
    const double d = deviation(batch, statistics[channels + c], c);
    const double of_gamma = d * (sums[static_cast<size_t>(channels + c)] - mean * of_beta);
    const double scale = batch.gamma[c] * d;
    const double tilt = -scale * d * of_gamma / count;
    by[c] = static_cast<float>(scale);
    slope[c] = static_cast<float>(tilt);
    offset[c] = static_cast<float>(-scale * of_beta / count - tilt * mean);
    gradients.of_gamma[c] = static_cast<float>(of_gamma);
    gradients.of_beta[c] = static_cast<float>(of_beta);
  }
  ConvBackwardBatch back{};
  back.images = batch.images;
  back.places = pool_.size > 1 ? dots.places.data() : nullptr;
  back.pool_size = pool_.size;
  back.norm = {batch.images, pixels(), channels, dots.dots.data()};
  back.norm_gradient = {clipped, gradients.of_y};
  back.spread = {by, slope, offset};
  back.x = batch.x;
  back.shift = batch.shift;
  back.signs = dots.signs.data();
  back.surrogate = surrogate;
  back.weights = batch.weights;
  back.add_input = batch.add_input;
  back.of_x = gradients.of_x;
  back.of_shift = gradients.of_shift;
  back.of_shortcut = gradients.of_shortcut;
  back.of_weights = gradients.of_weights;
  backward_.run(back, parts);
  return {};
}

}  // namespace sbnn
