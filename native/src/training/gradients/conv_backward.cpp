#include "training/gradients/conv_backward.h"

#include <algorithm>

#include "plan/layouts/bits_layout.h"

namespace sbnn {
namespace {

// Output pixels of a group: enough that sums of weights, which each group reads and writes, are
// reused, and few enough that a group's gradients stay in the second-level cache.
constexpr int64_t kGroupPixels = 1024;

template <typename T>
T* at(T* values, int64_t first) {
  return values == nullptr ? nullptr : values + first;
}

}  // namespace

Status ConvBackward::make(const TrainingConv& conv, GradientForm form, ConvBackward* backward) {
  TrainingConv& group = backward->conv_;
  group = conv;
  group.images = std::max<int64_t>(1, kGroupPixels / (conv.out_height * conv.out_width));
  SIGNBIT_TRY(check_training_conv(group));
  SIGNBIT_TRY(choose_gradients("", form, &backward->kernels_));
  backward->packed_ =
      AlignedArray<uint8_t>(static_cast<size_t>(packed_weight_bytes(*backward->kernels_, group)));
  return {};
}

void ConvBackward::run(const ConvBackwardBatch& batch, int parts) {
  while (work_.size() < static_cast<size_t>(parts)) {
    Work work;
    work.input =
        AlignedArray<uint8_t>(static_cast<size_t>(input_gradient_work_bytes(*kernels_, conv_)));
    work.weight =
        AlignedArray<uint8_t>(static_cast<size_t>(weight_gradient_work_bytes(*kernels_, conv_)));
    work.of_dots = AlignedArray<float>(static_cast<size_t>(conv_.images * out_values()));
    work.of_shortcut = AlignedArray<float>(static_cast<size_t>(conv_.images * out_values()));
    work.of_weights = AlignedArray<float>(static_cast<size_t>(weight_values()));
    work_.push_back(std::move(work));
  }
  pack_weights(*kernels_, conv_, batch.weights, packed_.data());
  parallel_ranges(batch.images, parts, [&](ImageRange images, int part) {
    run_range(batch, images, &work_[static_cast<size_t>(part)]);
  });
  // In the order of the parts, so that results depend on their number alone.
  std::copy_n(work_[0].of_weights.data(), weight_values(), batch.of_weights);
  for (int part = 1; part < parts; ++part) {
    pointwise_table().add(work_[static_cast<size_t>(part)].of_weights.data(), weight_values(),
                          batch.of_weights);
  }
}

void ConvBackward::run_range(const ConvBackwardBatch& batch, ImageRange images, Work* work) const {
  std::fill_n(work->of_weights.data(), weight_values(), 0.0f);
  for (int64_t begin = images.begin; begin < images.end; begin += conv_.images) {
    run_group(batch, {begin, std::min(begin + conv_.images, images.end)}, work);
  }
}

void ConvBackward::run_group(const ConvBackwardBatch& batch, ImageRange group, Work* work) const {
  const ImageRange all{0, group.end - group.begin};
  const float* const of_dots = batch.of_dots == nullptr
                                   ? spread(batch, group, work)
                                   : batch.of_dots + group.begin * out_values();
  float* const of_x = batch.of_x + group.begin * in_values();
  input_gradient(*kernels_, conv_, all, of_dots, packed_.data(), of_x, work->input.data());
  const int64_t sign_bytes =
      conv_.height * conv_.width * BitsLayout(conv_.in_channels, 1).pixel_bytes;
  weight_gradient(*kernels_, conv_, all, of_dots, batch.signs + group.begin * sign_bytes,
                  work->of_weights.data(), work->weight.data());
  const int64_t pixels = conv_.height * conv_.width, channels = conv_.in_channels;
  for (int64_t image = group.begin; image < group.end; ++image) {
    const int64_t first = image * in_values();
    pointwise_table().surrogate_gradient(
        batch.surrogate, batch.x + first, at(batch.shift, image * channels), pixels, channels,
        batch.of_x + first,
        {at(batch.of_shift, image * channels), at(batch.products, image * channels)});
  }
  if (batch.add_input) {
    pointwise_table().add(work->of_shortcut.data(), all.end * in_values(), of_x);
  }
}

// The gradient of the group's dots, and of what was added behind the normalisation.
const float* ConvBackward::spread(const ConvBackwardBatch& batch, ImageRange group,
                                  Work* work) const {
  const int64_t values = batch.norm.pixels * batch.norm.channels;  // of an image
  const int64_t first = group.begin * values;
  float* const of_shortcut =
      batch.add_input ? work->of_shortcut.data() : at(batch.of_shortcut, first);
  float* const spread = batch.places == nullptr ? work->of_dots.data() : work->of_shortcut.data();
  pointwise_table().of_dots.spread_gradients(
      batch.norm.dots + first, nullptr, at(batch.norm_gradient.y, first),
      batch.norm_gradient.gradient + first, batch.spread,
      (group.end - group.begin) * batch.norm.pixels, batch.norm.channels, spread, of_shortcut);
  if (batch.places == nullptr) return spread;
  const PoolShape shape{conv_.out_height, conv_.out_width, batch.pool_size};
  for (int64_t image = 0; image < group.end - group.begin; ++image) {
    pointwise_table().unpool(shape, spread + image * values, batch.places + first + image * values,
                             batch.norm.channels, work->of_dots.data() + image * out_values());
  }
  return work->of_dots.data();
}

}  // namespace sbnn
