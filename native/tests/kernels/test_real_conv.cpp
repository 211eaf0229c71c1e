// The real convolutions of every instruction set against plain loops, exactly: odd tails, all
// register tiles, several tracks; and the fast convolution along rows against its definition.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "cpu/memory.h"
#include "draws.h"
#include "kernels/fused.h"
#include "kernels/kernels.h"
#include "plan/layouts/pixel_tracks.h"

using sbnn::KernelTable;
using test::integer;
using test::real;

namespace {

// Random windows and tracks of four-byte steps.
struct ConvCase {
  static constexpr int kStep = 80;  // of sums

  ConvCase(const KernelTable& kernels, int fast_levels)
      : levels(fast_levels),
        filters(integer(1, sbnn::kBlockFilters)),
        windows(integer(1, 30)),
        segments(integer(1, 4)) {
    for (int segment = 0; segment < segments; ++segment) offsets.push_back(4 * integer(0, 200));
    for (int window = 0; window < windows; ++window) starts.push_back(4 * integer(0, 300));
    for (int track = 0; track < sbnn::track_count(levels); ++track) {
      tracks.push_back({4 * integer(0, 90), integer(track == 0 ? 1 : 0, 9), steps});
      steps += segments * tracks.back().steps;
    }
    lanes = kernels.float_lanes;
    most_vectors = kernels.max_tile_vectors;
    sums.assign(static_cast<size_t>((windows << levels) * kStep), 77);
  }

  // Four-byte steps of filters in tiles of vectors, in each step by step, in each lane by lane.
  std::vector<uint32_t> packed(const std::vector<uint32_t>& weights) const {
    std::vector<uint32_t> result;
    int vectors = (filters + lanes - 1) / lanes;
    for (int filter = 0; vectors > 0;) {
      const int tile = sbnn::tile_vectors(vectors, most_vectors);
      for (int step = 0; step < steps; ++step) {
        for (int f = filter; f < filter + tile * lanes; ++f) {
          result.push_back(f < filters ? weights[static_cast<size_t>(f * steps + step)] : 0);
        }
      }
      filter += tile * lanes;
      vectors -= tile;
    }
    return result;
  }

  void run(void (*kernel)(const sbnn::RealConvArgs&), const std::vector<uint32_t>& input,
           const std::vector<uint32_t>& weights) {
    const std::vector<uint32_t> tiles = packed(weights);
    const auto* const bytes = reinterpret_cast<const uint8_t*>(input.data());
    std::vector<const uint8_t*> window;
    for (const int start : starts) window.push_back(bytes + start);
    sbnn::RealConvArgs args{};
    args.windows = windows;
    args.filters = filters;
    args.segments = segments;
    args.offsets = offsets.data();
    args.levels = levels;
    args.tracks = tracks.data();
    args.steps = steps;
    args.weights = tiles.data();
    args.window = window.data();
    args.window_shift = shift;
    args.sums = sums.data();
    args.sums_step = kStep;
    kernel(args);
  }

  // Calls each(track, window, filter, steps), steps being pairs of an input's and a weight's index.
  template <typename Function>
  void for_each_track(Function each) const {
    for (size_t t = 0; t < tracks.size(); ++t) {
      for (int window = 0; window < windows; ++window) {
        std::vector<std::pair<size_t, size_t>> taps;
        auto step = static_cast<size_t>(tracks[t].first_step);
        for (const int64_t offset : offsets) {
          const int64_t byte =
              starts[static_cast<size_t>(window)] + shift + tracks[t].shift + offset;
          for (int i = 0; i < tracks[t].steps; ++i, ++step) {
            taps.emplace_back(static_cast<size_t>(byte / 4 + i), step);
          }
        }
        for (int filter = 0; filter < filters; ++filter) each(t, window, filter, taps);
      }
    }
  }

  uint32_t sum(int output, int filter) const {
    return sums[static_cast<size_t>(output * kStep + filter)];
  }

  int levels, filters, windows, segments, steps = 0, lanes, most_vectors;
  int64_t shift = 4 * integer(0, 5);
  std::vector<int> starts;
  std::vector<int64_t> offsets;
  std::vector<sbnn::ConvTrack> tracks;
  std::vector<uint32_t> sums;
};

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

constexpr size_t kInputSteps = 800;

void test_real_conv(const KernelTable& kernels) {
  ConvCase sums(kernels, 0);
  std::vector<uint32_t> input(kInputSteps);
  std::vector<uint32_t> weights(static_cast<size_t>(sums.filters * sums.steps));
  for (uint32_t& x : input) x = bits_of(real());
  for (uint32_t& w : weights) w = bits_of(real());
  sums.run(kernels.real_conv, input, weights);
  sums.for_each_track([&](size_t, int window, int filter, const auto& taps) {
    float sum = 0.0f;
    for (const auto& [x, step] : taps) {
      const float w = float_of(weights[static_cast<size_t>(filter * sums.steps) + step]);
      sum = sbnn::fused(float_of(input[x]), w, sum);
    }
    CHECK(sums.sum(window, filter) == bits_of(sum));
  });
}

// Two random int16, now and then the extreme ones, whose sums leave int32.
uint32_t draw_pair() {
  const auto draw = [] {
    return static_cast<uint16_t>(integer(0, 9) == 0 ? -32768 : integer(-32768, 32767));
  };
  const uint32_t low = draw();
  return low | static_cast<uint32_t>(draw()) << 16;
}

void test_pixel_conv(const KernelTable& kernels) {
  ConvCase sums(kernels, integer(0, sbnn::kMaxTrackLevels));
  std::vector<uint32_t> input(kInputSteps);
  std::vector<uint32_t> weights(static_cast<size_t>(sums.filters * sums.steps));
  for (uint32_t& x : input) x = draw_pair();
  for (uint32_t& w : weights) w = draw_pair();
  sums.run(kernels.pixel_conv, input, weights);
  const auto half = [](uint32_t pair, int index) {
    return static_cast<int64_t>(static_cast<int16_t>(pair >> (16 * index)));
  };
  const auto at = [&](size_t track, int window, int filter) {
    return (track * static_cast<size_t>(sums.windows) + static_cast<size_t>(window)) * 64 +
           static_cast<size_t>(filter);
  };
  std::vector<uint32_t> by_track(at(sums.tracks.size(), 0, 0));
  sums.for_each_track([&](size_t track, int window, int filter, const auto& taps) {
    int64_t sum = 0;
    for (const auto& [x, step] : taps) {
      const uint32_t w = weights[static_cast<size_t>(filter * sums.steps) + step];
      sum += half(input[x], 0) * half(w, 0) + half(input[x], 1) * half(w, 1);
    }
    by_track[at(track, window, filter)] = static_cast<uint32_t>(sum);
  });
  // Output 2·k + odd of a level is pair k of tracks a and b, or of b and c.
  for (int window = 0; window < sums.windows; ++window) {
    for (int filter = 0; filter < sums.filters; ++filter) {
      const auto track = [&](int t) {
        return by_track[at(static_cast<size_t>(t), window, filter)];
      };
      const auto pair = [&](int t, int odd) { return track(t + odd) + track(t + odd + 1); };
      if (sums.levels == 0) CHECK(sums.sum(window, filter) == track(0));
      for (int i = 0; sums.levels == 1 && i < 2; ++i) {
        CHECK(sums.sum(2 * window + i, filter) == pair(0, i));
      }
      for (int i = 0; sums.levels == 2 && i < 4; ++i) {
        const int odd = i % 2;
        const uint32_t wanted = pair(3 * odd, i / 2) + pair(3 * odd + 3, i / 2);
        CHECK(sums.sum(4 * window + i, filter) == wanted);
      }
    }
  }
}

// Of windows of bytes: a filter's first word, and 256 times the upper bytes and the lower ones.
void test_byte_conv(const KernelTable& kernels) {
  ConvCase sums(kernels, 0);
  sums.steps = 1 + 2 * sums.steps;
  const auto draw_word = [] {
    uint32_t word = 0;
    for (int i = 0; i < 4; ++i) word = word << 8 | static_cast<uint32_t>(integer(0, 255));
    return word;
  };
  std::vector<uint32_t> input(kInputSteps);
  std::vector<uint32_t> weights(static_cast<size_t>(sums.filters * sums.steps));
  for (uint32_t& x : input) x = draw_word();
  for (uint32_t& w : weights) w = draw_word();
  sums.run(kernels.pixel_conv, input, weights);
  const auto dot = [](uint32_t x, uint32_t w) {
    int sum = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      sum += static_cast<int8_t>(x >> shift) * static_cast<int8_t>(w >> shift);
    }
    return static_cast<uint32_t>(sum);
  };
  sums.for_each_track([&](size_t, int window, int filter, const auto& taps) {
    const uint32_t* const words = weights.data() + filter * sums.steps;
    uint32_t sum = words[0];
    for (const auto& [x, step] : taps) {
      sum += 256 * dot(input[x], words[1 + 2 * step]) + dot(input[x], words[2 + 2 * step]);
    }
    CHECK(sums.sum(window, filter) == sum);
  });
}

// A row's outputs by way of tracks and by definition, with the largest pixels and weights.
void test_pixel_tracks() {
  sbnn::TrackShape shape;
  shape.levels = integer(1, 2);
  shape.place = integer(1, 20);
  shape.values = integer(1, 60);
  const int64_t units = integer(1, 9);
  const int outputs = 1 << shape.levels;
  const auto row_values = static_cast<size_t>(shape.row_places(units, 0) * shape.place);
  std::vector<int16_t> row(row_values + sbnn::kSplitSlack),
      weights(static_cast<size_t>(shape.values));
  for (size_t i = 0; i < row_values; ++i) {
    row[i] = static_cast<int16_t>(integer(0, 2) == 0 ? 255 * integer(0, 1) : integer(0, 255));
  }
  const int sign = 2 * integer(0, 1) - 1;
  for (int16_t& w : weights) {
    w = static_cast<int16_t>(sign == 1 ? integer(-8191, 8191) : 8191 * (2 * integer(0, 1) - 1));
  }
  const int64_t pitch = shape.row_places(units, shape.levels) * shape.place + sbnn::kSplitSlack;
  std::vector<int16_t> scratch(static_cast<size_t>(sbnn::split_scratch(shape, units)));
  std::vector<int16_t> tracks(static_cast<size_t>(pitch * sbnn::track_count(shape.levels)));
  sbnn::split_row(shape, units, row.data(), pitch, scratch.data(), tracks.data());
  const std::vector<std::vector<int16_t>> split = sbnn::split_weights(shape, weights.data());
  const std::vector<int64_t> lengths = sbnn::track_lengths(shape);
  CHECK(split.size() == lengths.size());
  const auto track_sum = [&](int track, int64_t unit) {
    int64_t sum = 0;
    for (size_t i = 0; i < static_cast<size_t>(lengths[static_cast<size_t>(track)]); ++i) {
      const int64_t at = track * pitch + unit * shape.place + static_cast<int64_t>(i);
      sum += int64_t{tracks[static_cast<size_t>(at)]} * split[static_cast<size_t>(track)][i];
    }
    return sum;
  };
  for (size_t t = 0; t < split.size(); ++t) {
    for (size_t i = static_cast<size_t>(lengths[t]); i < split[t].size(); ++i) {
      CHECK(split[t][i] == 0);
    }
  }
  for (int64_t output = 0; output < units * outputs; ++output) {
    int64_t wanted = 0, actual = 0;
    for (int64_t i = 0; i < shape.values; ++i) {
      wanted += int64_t{row[static_cast<size_t>(output * shape.place + i)]} *
                weights[static_cast<size_t>(i)];
    }
    const int64_t unit = output / outputs;
    const int outer = static_cast<int>(output % 2), inner = static_cast<int>(output % outputs / 2);
    for (int track = outer; track < outer + 2; ++track) {
      if (shape.levels == 1) {
        actual += track_sum(track, unit);
      } else {
        actual += track_sum(3 * track + inner, unit) + track_sum(3 * track + inner + 1, unit);
      }
    }
    CHECK(actual == wanted);
  }
}

}  // namespace

int main() {
  for (const KernelTable* kernels : sbnn::usable_kernels()) {
    for (int i = 0; i < 150; ++i) {
      test_real_conv(*kernels);
      if (kernels->pixel_bytes == 1) {
        test_byte_conv(*kernels);
      } else {
        test_pixel_conv(*kernels);
      }
    }
  }
  for (int i = 0; i < 300; ++i) test_pixel_tracks();
  return test::finish();
}
