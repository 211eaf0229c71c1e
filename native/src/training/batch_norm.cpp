#include "training/batch_norm.h"

namespace sbnn {
namespace {

// Calls run(first value, pixels, part) for each part's images.
template <typename Run>
void for_parts(const BatchNormBatch& batch, int parts, Run run) {
  const int64_t values = batch.pixels * batch.norm.channels;
  parallel_ranges(batch.images, parts, [&](ImageRange images, int part) {
    run(images.begin * values, (images.end - images.begin) * batch.pixels, part);
  });
}

template <typename T>
T* at(T* values, int64_t first) {
  return values == nullptr ? nullptr : values + first;
}

}  // namespace

void batch_norm(const BatchNormBatch& batch, int parts, float* y, double* statistics,
                const RunningStatistics& running, const Join& join) {
  const int64_t channels = batch.norm.channels;
  const float* const centre = batch.x;  // any value near the mean; the first pixel's
  ChannelSums totals(parts, channels);
  for_parts(batch, parts, [&](int64_t first, int64_t pixels, int part) {
    pointwise_table().sum_reals(batch.x + first, centre, pixels, channels, totals.of(part));
  });
  totals.total(statistics);
  const std::vector<float> constants =
      finish_statistics(batch.norm, centre, batch.images * batch.pixels, statistics, running, join);
  for_parts(batch, parts, [&](int64_t first, int64_t pixels, int) {
    pointwise_table().of_reals.normalise(batch.x + first, centre, constants.data(),
                                         constants.data() + channels, at(batch.shortcut, first),
                                         batch.clip, pixels, channels, y + first);
  });
}

void batch_norm_gradients(const BatchNormBatch& batch, const double* statistics, int parts,
                          const BatchNormGradients& gradients, const Join& join) {
  const int64_t channels = batch.norm.channels;
  const std::vector<float> centre(statistics, statistics + channels);
  ChannelSums totals(parts, channels);
  for_parts(batch, parts, [&](int64_t first, int64_t pixels, int part) {
    pointwise_table().of_reals.sum_gradients(batch.x + first, centre.data(), at(gradients.y, first),
                                             gradients.of_y + first, pixels, channels,
                                             totals.of(part));
  });
  totals.total(gradients.of_norm.sums);
  const std::vector<float> spread =
      finish_gradients(batch.norm, centre.data(), statistics, gradients.of_norm, join);
  const NormSpread constants{spread.data(), spread.data() + channels, spread.data() + 2 * channels};
  for_parts(batch, parts, [&](int64_t first, int64_t pixels, int) {
    pointwise_table().of_reals.spread_gradients(
        batch.x + first, centre.data(), at(gradients.y, first), gradients.of_y + first, constants,
        pixels, channels, gradients.of_x + first, at(gradients.of_shortcut, first));
  });
}

}  // namespace sbnn
