// Scaling one axis of a picture as Pillow does it: weights of 22 bits, sums rounded to uint8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/graph.h"

namespace sbnn {

// How the pixels [first, first + count) of a scaled axis come from the pixels of the whole one.
class AxisWeights {
 public:
  // The axis has `from` pixels and is scaled to `to`. Throws std::bad_alloc.
  static AxisWeights of(const Resize& rule, int64_t from, int64_t to, int64_t first, int64_t count);

  int64_t count() const { return static_cast<int64_t>(starts_.size()); }
  // Pixels of the whole axis that are read: [begin, end).
  int64_t begin() const;
  int64_t end() const;

  // A pixel: Σ weight · source[(start + i - begin()) · stride], rounded.
  uint8_t pixel(int64_t index, const uint8_t* source, int64_t stride) const;

 private:
  static AxisWeights filtered(const Resize& rule, int64_t from, int64_t to, int64_t first,
                              int64_t count);
  static AxisWeights nearest(int64_t from, int64_t to, int64_t first, int64_t count);
  int64_t start(int64_t index) const { return starts_[static_cast<size_t>(index)]; }
  int64_t taps(int64_t index) const;
  void add(int64_t start, const std::vector<double>& weights);

  std::vector<int64_t> starts_;   // of a pixel's taps
  std::vector<size_t> offsets_;   // of its weights; one more than pixels
  std::vector<int32_t> weights_;  // in units of 2^-22
};

}  // namespace sbnn
