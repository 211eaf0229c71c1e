#include "training/normalisation.h"

#include "training/pointwise.h"

namespace sbnn {

void ChannelSums::total(double* sums) const {
  const auto row = static_cast<size_t>(row_);
  for (size_t c = 0; c < row; ++c) {
    sums[c] = 0.0;
    for (size_t i = c; i < sums_.size(); i += row) sums[c] += sums_[i];
  }
}

void normalise(const NormBatch& batch, const NormForward& forward, int parts) {
  parallel_ranges(batch.images, parts, [&](ImageRange images, int) {
    for (int64_t image = images.begin; image < images.end; ++image) {
      const int64_t first = image * batch.pixels * batch.channels;
      const float* const added = forward.shortcut == nullptr ? nullptr : forward.shortcut + first;
      pointwise_table().normalise(batch.dots + first, forward.scale, forward.offset, added,
                                  forward.clip, batch.pixels, batch.channels, forward.y + first);
    }
  });
}

}  // namespace sbnn
