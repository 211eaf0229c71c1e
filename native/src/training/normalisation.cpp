#include "training/normalisation.h"

#include <algorithm>
#include <cmath>

namespace sbnn {
namespace {

void move(double to, double momentum, float* from) {
  *from += static_cast<float>(momentum) * (static_cast<float>(to) - *from);
}

double centre_of(const NormParameters& norm, const float* centre, int64_t c) {
  return centre == nullptr ? 0.0 : norm.scale_of(c) * double{centre[c]};
}

}  // namespace

void ChannelSums::total(double* sums) const {
  const auto row = static_cast<size_t>(row_);
  for (size_t c = 0; c < row; ++c) {
    sums[c] = 0.0;
    for (size_t i = c; i < sums_.size(); i += row) sums[c] += sums_[i];
  }
}

std::vector<float> finish_statistics(const NormParameters& norm, const float* centre, int64_t count,
                                     double* statistics, const RunningStatistics& running,
                                     const Join& join) {
  const int64_t channels = norm.channels;
  double* const means = statistics;
  double* const variances = statistics + channels;
  double& all = statistics[2 * channels];
  all = static_cast<double>(count);
  for (int64_t c = 0; c < channels; ++c) {
    const double s = norm.scale_of(c), mean = means[c] / all;
    variances[c] = s * s * std::max(variances[c] / all - mean * mean, 0.0);
    means[c] = s * mean + centre_of(norm, centre, c);
  }
  if (join) join();
  std::vector<float> constants(static_cast<size_t>(2 * channels));
  for (int64_t c = 0; c < channels; ++c) {
    const double by = norm.gamma[c] / std::sqrt(variances[c] + norm.eps);
    constants[static_cast<size_t>(c)] = static_cast<float>(by * norm.scale_of(c));
    constants[static_cast<size_t>(channels + c)] =
        static_cast<float>(norm.beta[c] - by * (means[c] - centre_of(norm, centre, c)));
    move(means[c], running.momentum, running.mean + c);
    move(variances[c] * (all / std::max(all - 1.0, 1.0)), running.momentum, running.variance + c);
  }
  return constants;
}

std::vector<float> finish_gradients(const NormParameters& norm, const float* centre,
                                    const double* statistics, const NormGradients& gradients,
                                    const Join& join) {
  const int64_t channels = norm.channels;
  double* const of_gamma = gradients.sums;
  double* const of_beta = gradients.sums + channels;
  const double count = statistics[2 * channels];
  const auto deviation = [&](int64_t c) {
    return 1.0 / std::sqrt(statistics[channels + c] + norm.eps);
  };
  const auto distance = [&](int64_t c) { return statistics[c] - centre_of(norm, centre, c); };
  for (int64_t c = 0; c < channels; ++c) {
    const double total = of_gamma[c], products = norm.scale_of(c) * of_beta[c];
    of_gamma[c] = deviation(c) * (products - distance(c) * total);
    of_beta[c] = total;
    gradients.of_gamma[c] = static_cast<float>(of_gamma[c]);
    gradients.of_beta[c] = static_cast<float>(of_beta[c]);
  }
  if (join) join();
  std::vector<float> spread(static_cast<size_t>(3 * channels));
  float* const by = spread.data();
  float* const slope = by + channels;
  float* const offset = slope + channels;
  for (int64_t c = 0; c < channels; ++c) {
    const double s = norm.scale_of(c), d = deviation(c), scale = s * norm.gamma[c] * d;
    const double tilt = -scale * d * of_gamma[c] / count;
    by[c] = static_cast<float>(scale);
    slope[c] = static_cast<float>(tilt * s);
    offset[c] = static_cast<float>(-scale * of_beta[c] / count - tilt * distance(c));
  }
  return spread;
}

}  // namespace sbnn
