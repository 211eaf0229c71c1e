#include "plan/layouts/pixel_tracks.h"

#include <algorithm>
#include <cstring>

namespace sbnn {
namespace {

// One level, `count` places of each track from 2·count + 1 places: x0 - x1, x1, x0 of the next -
// x1.
void split_once(const int16_t* row, int64_t place, int64_t count, int16_t* a, int16_t* b,
                int16_t* c) {
  constexpr int kLanes = 8;  // one vector of any CPU
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t at = 0; at < place; at += kLanes) {
      int16_t x0[kLanes], x1[kLanes], next[kLanes];
      std::memcpy(x0, row + at, sizeof x0);
      std::memcpy(x1, row + place + at, sizeof x1);
      std::memcpy(next, row + 2 * place + at, sizeof next);
      for (int lane = 0; lane < kLanes; ++lane) {
        x0[lane] = static_cast<int16_t>(x0[lane] - x1[lane]);
        next[lane] = static_cast<int16_t>(next[lane] - x1[lane]);
      }
      std::memcpy(a + at, x0, sizeof x0);
      std::memcpy(b + at, x1, sizeof x1);
      std::memcpy(c + at, next, sizeof next);
    }
    row += 2 * place;
    a += place;
    b += place;
    c += place;
  }
}

void add_lengths(const TrackShape& shape, int64_t values, int levels,
                 std::vector<int64_t>* lengths) {
  if (levels == 0) {
    lengths->push_back(values);
    return;
  }
  const int64_t taps = (values + shape.place - 1) / shape.place;
  const int64_t missing = taps * shape.place - values;
  const int64_t even = (taps + 1) / 2 * shape.place - (taps % 2 == 1 ? missing : 0);
  const int64_t odd = taps / 2 * shape.place - (taps % 2 == 0 ? missing : 0);
  add_lengths(shape, even, levels - 1, lengths);
  add_lengths(shape, std::max(even, odd), levels - 1, lengths);
  add_lengths(shape, odd, levels - 1, lengths);
}

void add_weights(const TrackShape& shape, std::vector<int16_t> weights, int levels,
                 std::vector<std::vector<int16_t>>* tracks) {
  if (levels == 0) {
    tracks->push_back(std::move(weights));
    return;
  }
  const auto place = static_cast<size_t>(shape.place);
  const size_t taps = (weights.size() / place + 1) / 2;
  weights.resize(2 * taps * place);
  std::vector<int16_t> even(taps * place), sum(taps * place), odd(taps * place);
  for (size_t i = 0; i < sum.size(); ++i) {
    even[i] = weights[i / place * 2 * place + i % place];
    odd[i] = weights[i / place * 2 * place + place + i % place];
    sum[i] = static_cast<int16_t>(even[i] + odd[i]);
  }
  add_weights(shape, std::move(even), levels - 1, tracks);
  add_weights(shape, std::move(sum), levels - 1, tracks);
  add_weights(shape, std::move(odd), levels - 1, tracks);
}

}  // namespace

int64_t TrackShape::places(int split_levels) const {
  int64_t taps = (values + place - 1) / place;
  for (int level = 0; level < split_levels; ++level) taps = (taps + 1) / 2;
  return taps;
}

int64_t TrackShape::row_places(int64_t units, int split_levels) const {
  int64_t count = units - 1 + places(levels);
  for (int level = levels; level > split_levels; --level) count = 2 * count + 1;
  return count;
}

std::vector<int64_t> track_lengths(const TrackShape& shape) {
  std::vector<int64_t> lengths;
  add_lengths(shape, shape.values, shape.levels, &lengths);
  return lengths;
}

std::vector<std::vector<int16_t>> split_weights(const TrackShape& shape, const int16_t* weights) {
  std::vector<int16_t> row(static_cast<size_t>(shape.places(0) * shape.place));
  std::copy(weights, weights + shape.values, row.begin());
  std::vector<std::vector<int16_t>> tracks;
  add_weights(shape, std::move(row), shape.levels, &tracks);
  return tracks;
}

void split_row(const TrackShape& shape, int64_t units, const int16_t* row, int64_t pitch,
               int16_t* scratch, int16_t* tracks) {
  const int64_t count = shape.row_places(units, shape.levels);
  if (shape.levels == 1) {
    split_once(row, shape.place, count, tracks, tracks + pitch, tracks + 2 * pitch);
    return;
  }
  const int64_t half = shape.row_places(units, 1);
  const int64_t step = half * shape.place + kSplitSlack;
  split_once(row, shape.place, half, scratch, scratch + step, scratch + 2 * step);
  for (int track = 0; track < 3; ++track, scratch += step, tracks += 3 * pitch) {
    split_once(scratch, shape.place, count, tracks, tracks + pitch, tracks + 2 * pitch);
  }
}

int64_t split_scratch(const TrackShape& shape, int64_t units) {
  return shape.levels < 2 ? 0 : 3 * (shape.row_places(units, 1) * shape.place + kSplitSlack);
}

}  // namespace sbnn
