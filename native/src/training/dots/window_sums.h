// The sums of the signs that a window of a convolution sees, over all channels.
#pragma once

#include <cstdint>
#include <vector>

#include "format/taps.h"

namespace sbnn {

// Works in memory of its own, so each thread has one.
class WindowSums {
 public:
  // signs: of one image, rows.size × columns.size pixels of `pixel_bytes`, a bit per channel, 1 =
  // negative, 0 behind the channels. Returns a sum for each output pixel, until the next call; taps
  // outside the image add nothing.
  const float* of(const uint8_t* signs, int64_t channels, int64_t pixel_bytes, const Axis& rows,
                  const Axis& columns);

 private:
  void sum_row(const uint8_t* signs, int64_t channels, int64_t pixel_bytes, const Axis& columns,
               float* sums);

  std::vector<float> pixels_;  // of one row
  std::vector<float> by_row_;  // over the columns of each window
  std::vector<float> windows_;
};

}  // namespace sbnn
