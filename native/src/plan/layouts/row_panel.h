// Input rows of a real convolution made ready for its kernel: as float32, int16 or bytes, with
// their padding on both sides, signs as -1 and +1, for a fast convolution split into tracks. A
// window is then a few runs of memory at fixed distances, and neighbouring windows share all of it.
#pragma once

#include "cpu/memory.h"
#include "plan/layouts/bits_layout.h"
#include "plan/layouts/pixel_tracks.h"

namespace sbnn {

// A pixel in a panel of bytes.
inline int8_t pixel_byte(uint8_t pixel) { return static_cast<int8_t>(pixel - 128); }

struct PanelPlan {
  int64_t channels = 0;
  int64_t left = 0;       // padding, in pixels
  int64_t width = 0;      // of the input
  int64_t columns = 0;    // pixels of a row with its padding, as far as windows reach
  int64_t height = 0;     // of the input
  int64_t capacity = 0;   // rows
  int64_t row_bytes = 0;  // from a row to the next
  TrackShape tracks;      // of an int16 panel
  int64_t units = 0;      // of a row: 2^levels outputs each
  int64_t pitch = 0;      // values from a track to the next
  // Values outside the image by channel: two are empty.
  AlignedArray<float> pad_reals;
  AlignedArray<int16_t> pad_pixels;
  AlignedArray<int8_t> pad_bytes;

  int64_t bytes() const { return capacity * row_bytes; }
  int64_t staging() const {  // values
    return tracks.levels == 0 ? 0 : columns * channels + kSplitSlack + split_scratch(tracks, units);
  }
};

// The image or tensor that rows come from: (height, width, channels) of uint8 or float32, or signs.
struct RowSource {
  const void* data = nullptr;  // of pixel (0, 0)
  bool is_float = false;
  const BitsLayout* bits = nullptr;  // of signs,
  int64_t row_bytes = 0;             // from a row of which to the next
};

class RowPanel {
 public:
  RowPanel(int64_t bytes, int64_t staging)
      : rows_(static_cast<size_t>(bytes)), staging_(static_cast<size_t>(staging)) {}

  // Forgets all rows; to be called before each new node and image.
  void clear() { first_ = end_ = slot_ = 0; }

  // Makes input rows [begin, end) available, at most plan.capacity; rows outside the image are
  // padding. Moving down the image, each row is converted once.
  void prepare(const PanelPlan& plan, const RowSource& source, int64_t begin, int64_t end);

  const uint8_t* row(const PanelPlan& plan, int64_t y) const {
    return rows_.data() + (slot_ + y - first_) * plan.row_bytes;
  }

 private:
  void convert(const PanelPlan& plan, const RowSource& source, int64_t y, uint8_t* row);

  AlignedArray<uint8_t> rows_;
  AlignedArray<int16_t> staging_;
  int64_t first_ = 0, end_ = 0;  // input rows that are here,
  int64_t slot_ = 0;             // and where the first of them lies
};

}  // namespace sbnn
