#include "training/binary_unit.h"

#include <algorithm>

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
                           const RunningStatistics& running, const Join& join) {
  const int64_t channels = shape_.out_channels;
  Dots& dots = Dots::own();
  ChannelSums totals(parts, channels);
  SIGNBIT_TRY(make_dots(
      batch, parts, false, &dots, [&](int64_t, int part, int16_t* kept, const float* of_image) {
        pointwise_table().keep_dots(of_image, pixels(), channels, kept, totals.of(part));
      }));
  totals.total(statistics);
  const std::vector<float> constants =
      finish_statistics(norm(batch), nullptr, batch.images * pixels(), statistics, running, join);
  const float* const added = batch.add_input ? batch.x : batch.shortcut;
  parallel_ranges(batch.images, parts, [&](ImageRange images, int) {
    const int64_t first = images.begin * pixels() * channels;
    pointwise_table().of_dots.normalise(
        dots.dots.data() + first, nullptr, constants.data(), constants.data() + channels,
        added == nullptr ? nullptr : added + first, batch.clip,
        (images.end - images.begin) * pixels(), channels, y + first);
  });
  return {};
}

Status BinaryUnit::backward(const BinaryUnitBatch& batch, const double* statistics,
                            const SurrogateArgs& surrogate, const BinaryUnitGradients& gradients,
                            int parts, double* sums, const Join& join) {
  const int64_t channels = shape_.out_channels, values = pixels() * channels;
  const float* const clipped = gradients.y;
  Dots& dots = Dots::own();
  ChannelSums totals(parts, channels), unused(parts, channels);
  SIGNBIT_TRY(make_dots(batch, parts, true, &dots,
                        [&](int64_t image, int part, int16_t* kept, const float* of_image) {
                          pointwise_table().keep_dots(of_image, pixels(), channels, kept,
                                                      unused.of(part));
                          const int64_t first = image * values;
                          pointwise_table().of_dots.sum_gradients(
                              kept, nullptr, clipped == nullptr ? nullptr : clipped + first,
                              gradients.of_y + first, pixels(), channels, totals.of(part));
                        }));
  totals.total(sums);
  const std::vector<float> spread = finish_gradients(
      norm(batch), nullptr, statistics, {sums, gradients.of_gamma, gradients.of_beta}, join);
  ConvBackwardBatch back{};
  back.images = batch.images;
  back.places = pool_.size > 1 ? dots.places.data() : nullptr;
  back.pool_size = pool_.size;
  back.norm = {batch.images, pixels(), channels, dots.dots.data()};
  back.norm_gradient = {clipped, gradients.of_y};
  back.spread = {spread.data(), spread.data() + channels, spread.data() + 2 * channels};
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
