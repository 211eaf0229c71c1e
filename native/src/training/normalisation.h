// What a batch normalisation makes of sums by channel, forward and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "training/parallel.h"
#include "training/pointwise.h"

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

// A normalisation's parameters. What it normalises are kept values times `scale`.
struct NormParameters {
  int64_t channels;
  const float* gamma;
  const float* beta;
  const float* scale;  // null: 1
  double eps;

  double scale_of(int64_t c) const { return scale == nullptr ? 1.0 : double{scale[c]}; }
};

// Moved towards the batch's by `momentum`, the variance being the unbiased one; [channels] each.
struct RunningStatistics {
  float* mean;
  float* variance;
  double momentum;
};

// Makes what this process has, statistics or sums, that of all processes; null: it is alone.
using Join = std::function<void()>;

// From sums of kept - centre[c] and of its squares, over `count` values of each channel (`centre`
// null: 0), to the `statistics`: the normalised values' mean[c], variance[c] and count, which
// `join` may change. Moves the running ones and returns what makes y of kept - centre: [channels]
// factors and as many summands.
std::vector<float> finish_statistics(const NormParameters& norm, const float* centre, int64_t count,
                                     double* statistics, const RunningStatistics& running,
                                     const Join& join);

// Where gradients of parameters go.
struct NormGradients {
  double* sums;  // gamma's [channels], beta's [channels]: to begin with those of sum_gradients
  float* of_gamma;
  float* of_beta;
};

// From the sums of g and of g·(kept - centre) to the gradients of gamma and beta; returns what
// spreads g over kept, after `join` has changed the sums: three times [channels], as in NormSpread.
std::vector<float> finish_gradients(const NormParameters& norm, const float* centre,
                                    const double* statistics, const NormGradients& gradients,
                                    const Join& join);

struct NormBatch {
  int64_t images, pixels, channels;
  const int16_t* dots;
};

// The gradient of y, and y itself where it was clipped, else null.
struct NormBackward {
  const float* y;
  const float* gradient;
};

}  // namespace sbnn
