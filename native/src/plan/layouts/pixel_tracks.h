// The fast convolution F(2, 2) along rows, in integers: two outputs from three products, not four.
//
// A convolution of one row at stride 1, y[n] = Σ_k x[n + k]·h[k], splits by even and odd places
// into three of half the length on half as many outputs. With x0[i] = x[2i], x1[i] = x[2i + 1] and
// so on,
//   y[2i]     = Σ x0[i + k]·h0[k] + x1[i + k]·h1[k]     = a[i] + b[i]
//   y[2i + 1] = Σ x1[i + k]·h0[k] + x0[i + k + 1]·h1[k] = b[i] + c[i]
//   a = (x0 - x1)∘h0,  b = x1∘(h0 + h1),  c = (x0 shifted by one - x1)∘h1
// where ∘ stands for the same kind of sum. These are the three tracks of one level; a second level
// splits each of them again. A stride s is stride 1 on `places` of s pixels side by side, and rows
// and channels only add further terms of the same form.
//
// Exact: the equations hold in any ring, so modulo 2^32 too, and the final sums lie in int32. Two
// levels add up to four weights, below 2^15 as |w| <= kMaxPixelWeight, and four pixels with signs
// + + - -, at most 510 in magnitude, so products are of int16.
#pragma once

#include <cstdint>
#include <vector>

namespace sbnn {

constexpr int kMaxTrackLevels = 2;

inline int track_count(int levels) { return levels == 0 ? 1 : 3 * track_count(levels - 1); }

// Where a row of pixels and what is made of it lie.
struct TrackShape {
  int levels = 0;
  int64_t place = 0;   // values of a place: stride · channels
  int64_t values = 0;  // of a window's row: kernel · channels

  // Places of a window in a track, of this many levels of splitting.
  int64_t places(int split_levels) const;
  // Places that a row must have to yield `units` units, of 2^levels outputs each, and those of a
  // track after this many levels.
  int64_t row_places(int64_t units, int split_levels) const;
};

// By track, how many values of a window's row it reads at most: the rest of its weights are 0.
std::vector<int64_t> track_lengths(const TrackShape& shape);

// One filter's weights of one row, by track, each places(levels) · place values.
std::vector<std::vector<int16_t>> split_weights(const TrackShape& shape, const int16_t* weights);

// Splits a row of row_places(units, 0) places into tracks that lie `pitch` values apart. Up to
// kSplitSlack values past the end of the row are read, and past the end of each track written.
constexpr int64_t kSplitSlack = 8;
void split_row(const TrackShape& shape, int64_t units, const int16_t* row, int64_t pitch,
               int16_t* scratch, int16_t* tracks);
// Values of scratch that split_row needs.
int64_t split_scratch(const TrackShape& shape, int64_t units);

}  // namespace sbnn
