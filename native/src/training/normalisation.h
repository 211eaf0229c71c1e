// A batch normalisation over dots, what is added to it and a clip, forward and back. Everything is
// float32 NHWC but for the dots, int16; channels are whole multiples of 16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "training/parallel.h"

namespace sbnn {

// `kinds` sums by channel, one row of doubles per part; they are added up in the order of the
// parts.
class ChannelSums {
 public:
  ChannelSums(int parts, int64_t channels, int64_t kinds = 2)
      : row_(kinds * channels), sums_(static_cast<size_t>(parts * row_), 0.0) {}

  double* of(int part) { return sums_.data() + part * row_; }
  // sums[0][channels], sums[1][channels], … of all parts.
  void total(double* sums) const;

 private:
  int64_t row_;
  std::vector<double> sums_;
};

struct NormBatch {
  int64_t images, pixels, channels;
  const int16_t* dots;
};

// y = clip(scale[c]·dots + offset[c] + shortcut); `shortcut` may be null.
struct NormForward {
  const float* scale;
  const float* offset;
  const float* shortcut;
  bool clip;
  float* y;
};
void normalise(const NormBatch& batch, const NormForward& forward, int parts);

// The gradient of y, and y itself where it was clipped, else null.
struct NormBackward {
  const float* y;
  const float* gradient;
};

// What spreads a gradient over the dots, see PointwiseTable::spread_gradients.
struct NormSpread {
  const float* by;
  const float* slope;
  const float* offset;
};

}  // namespace sbnn
