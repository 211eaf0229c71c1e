#include "training/normalisation.h"

#include "training/pointwise.h"

namespace sbnn {
namespace {

// Calls run(first value of an image, part) for each image.
template <typename Run>
void for_images(const NormBatch& batch, int parts, Run run) {
  parallel_ranges(batch.images, parts, [&](ImageRange images, int part) {
    for (int64_t image = images.begin; image < images.end; ++image) {
      run(image * batch.pixels * batch.channels, part);
    }
  });
}

template <typename T>
T* at(T* values, int64_t first) {
  return values == nullptr ? nullptr : values + first;
}

}  // namespace

void ChannelSums::total(double* sums) const {
  const auto row = static_cast<size_t>(2 * channels_);
  for (size_t c = 0; c < row; ++c) {
    sums[c] = 0.0;
    for (size_t i = c; i < sums_.size(); i += row) sums[c] += sums_[i];
  }
}

void normalise(const NormBatch& batch, const NormForward& forward, int parts) {
  for_images(batch, parts, [&](int64_t first, int) {
    pointwise_table().normalise(batch.dots + first, forward.scale, forward.offset,
                                at(forward.shortcut, first), forward.clip, batch.pixels,
                                batch.channels, forward.y + first);
  });
}

void sum_gradients(const NormBatch& batch, const NormBackward& backward, int parts, double* sums) {
  ChannelSums totals(parts, batch.channels);
  for_images(batch, parts, [&](int64_t first, int part) {
    pointwise_table().sum_gradients(batch.dots + first, at(backward.y, first),
                                    backward.gradient + first, batch.pixels, batch.channels,
                                    totals.of(part));
  });
  totals.total(sums);
}

}  // namespace sbnn
