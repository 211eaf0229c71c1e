#include "images/resample.h"

#include <algorithm>
#include <cmath>

namespace sbnn {
namespace {

constexpr int kBits = 32 - 8 - 2;  // a sum of weights times pixels stays in 32 bits

int32_t fixed(double weight) {
  return static_cast<int32_t>(weight * (1 << kBits) + (weight < 0 ? -0.5 : 0.5));
}

// Keys' curve with a = -0.5, of a distance of 0 or more.
double bicubic(double x) {
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

}  // namespace

AxisWeights AxisWeights::of(const Resize& rule, int64_t from, int64_t to, int64_t first,
                            int64_t count) {
  if (rule.interpolation == Interpolation::kNearest) return nearest(from, to, first, count);
  return filtered(rule, from, to, first, count);
}

AxisWeights AxisWeights::filtered(const Resize& rule, int64_t from, int64_t to, int64_t first,
                                  int64_t count) {
  const bool cubic = rule.interpolation == Interpolation::kBicubic;
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double width = rule.aliased ? 1.0 : std::max(scale, 1.0);  // of what a pixel stands for
  const double reach = (cubic ? 2.0 : 1.0) * width;
  AxisWeights axis;
  std::vector<double> weights;
  for (int64_t i = first; i < first + count; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const int64_t begin = std::max<int64_t>(static_cast<int64_t>(centre - reach + 0.5), 0);
    const int64_t end = std::min(static_cast<int64_t>(centre + reach + 0.5), from);
    weights.clear();
    double sum = 0;
    for (int64_t x = begin; x < end; ++x) {
      const double distance = std::abs((static_cast<double>(x) - centre + 0.5) * (1.0 / width));
      weights.push_back(cubic ? bicubic(distance) : std::max(1.0 - distance, 0.0));
      sum += weights.back();
    }
    if (sum != 0) {
      for (double& weight : weights) weight /= sum;
    }
    axis.add(begin, weights);
  }
  return axis;
}

AxisWeights AxisWeights::nearest(int64_t from, int64_t to, int64_t first, int64_t count) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  AxisWeights axis;
  double place = scale * 0.5;
  for (int64_t i = 0; i < first + count; ++i, place += scale) {
    if (i >= first) axis.add(std::min(static_cast<int64_t>(place), from - 1), {1.0});
  }
  return axis;
}

void AxisWeights::add(int64_t start, const std::vector<double>& weights) {
  if (offsets_.empty()) offsets_.push_back(0);
  starts_.push_back(start);
  for (const double weight : weights) weights_.push_back(fixed(weight));
  offsets_.push_back(weights_.size());
}

int64_t AxisWeights::taps(int64_t index) const {
  const auto place = static_cast<size_t>(index);
  return static_cast<int64_t>(offsets_[place + 1] - offsets_[place]);
}

// Starts and ends of the taps grow with the pixels.
int64_t AxisWeights::begin() const { return starts_.front(); }
int64_t AxisWeights::end() const { return starts_.back() + taps(count() - 1); }

uint8_t AxisWeights::pixel(int64_t index, const uint8_t* source, int64_t stride) const {
  const int32_t* const weights = weights_.data() + offsets_[static_cast<size_t>(index)];
  source += (start(index) - begin()) * stride;
  int32_t sum = 1 << (kBits - 1);
  for (int64_t i = 0; i < taps(index); ++i) sum += weights[i] * source[i * stride];
  return static_cast<uint8_t>(std::clamp(sum >> kBits, 0, 255));
}

}  // namespace sbnn
