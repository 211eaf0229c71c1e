// Real convolutions over the vocabulary `Vec`: vectors of filters, P windows side by side, one
// chain of multiply-adds per output. See RealConvArgs for the arithmetic.

// What a step of real_conv does.
struct FloatSteps {
  static constexpr bool kFast = false;
  using Vector = typename Vec::Floats;
  static Vector none() { return Vec::set(0.0f); }
  static Vector weights(const uint8_t* p) { return Vec::load(reinterpret_cast<const float*>(p)); }
  static Vector broadcast(const uint8_t* p) {
    float x;
    __builtin_memcpy(&x, p, sizeof x);
    return Vec::set(x);
  }
  static Vector add(Vector sum, Vector x, Vector w) { return Vec::add_product(sum, x, w); }
  static void store(void* sums, int64_t at, Vector v) {
    Vec::store(static_cast<float*>(sums) + at, v);
  }
};

// What a step of pixel_conv does.
struct PairSteps {
  static constexpr bool kFast = true;  // whose sums may be put together in any order
  using Vector = typename Vec::Ints;
  static Vector none() { return Vec::no_ints(); }
  static Vector weights(const uint8_t* p) {
    return Vec::load_ints(reinterpret_cast<const int32_t*>(p));
  }
  static Vector broadcast(const uint8_t* p) { return Vec::set_pair(p); }
  static Vector add(Vector sum, Vector x, Vector w) { return Vec::add_pairs(sum, x, w); }
  static void store(void* sums, int64_t at, Vector v) {
    Vec::store_ints(static_cast<int32_t*>(sums) + at, v);
  }
};

// Calls run(Count<count>()) for a count of 1 to kMost.
template <int kMost, typename Run>
inline void with_count(int count, Run run) {
  if (count == kMost) {
    run(Count<kMost>());
  } else if constexpr (kMost > 1) {
    with_count<kMost - 1>(count, run);
  }
}

// Calls run(Count<P>(), first window) for tiles of at most kMost windows, of nearly equal size: 7
// windows are 4 + 3, not 6 + 1.
template <int kMost, typename Run>
inline void for_window_tiles(int windows, Run run) {
  const int tiles = (windows + kMost - 1) / kMost;
  for (int tile = 0; tile < tiles; ++tile) {
    const int begin = static_cast<int>(int64_t{windows} * tile / tiles);
    const int end = static_cast<int>(int64_t{windows} * (tile + 1) / tiles);
    with_count<kMost>(end - begin, [&](auto count) { run(count, begin); });
  }
}

// A register tile: P windows from number `first` on and V vectors of filters, whose weights are
// those of one tile, and whose first sums are at `sums`.
template <typename Steps, int V, int P>
struct ConvTile {
  static constexpr int kLanes = Vec::kFloatLanes;
  static constexpr int kVectorBytes = 4 * kLanes;
  using Sums = typename Steps::Vector[P][V];

  const RealConvArgs& args;
  const uint8_t* weights;
  int first;

  template <typename Function>
  [[gnu::always_inline]] static void each(Function function) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) function(p, v);
    }
  }

  [[gnu::always_inline]] void add_track(int number, Sums& sums) const {
    const ConvTrack& track = args.tracks[number];
    const uint8_t* windows[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      windows[p] = args.window[first + p] + args.window_shift + track.shift;
    }
    const uint8_t* next = weights + track.first_step * V * kVectorBytes;
    for (int segment = 0; segment < args.segments; ++segment) {
      const int64_t begin = args.offsets[segment], end = begin + int64_t{4} * track.steps;
      for (int64_t step = begin; step < end; step += 4) {
        typename Steps::Vector weight[V];
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) weight[v] = Steps::weights(next + v * kVectorBytes);
        next += V * kVectorBytes;
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) {
          const typename Steps::Vector x = Steps::broadcast(windows[p] + step);
#pragma GCC unroll 16
          for (int v = 0; v < V; ++v) sums[p][v] = Steps::add(sums[p][v], x, weight[v]);
        }
      }
    }
  }

  [[gnu::always_inline]] void sum(void* result) const {
    Sums sums;
    each([&](int p, int v) { sums[p][v] = Steps::none(); });
    add_track(0, sums);
    each([&](int p, int v) {
      Steps::store(result, (first + p) * args.sums_step + v * kLanes, sums[p][v]);
    });
  }

  // One pair of outputs, `distance` outputs apart, from tracks number .. number + 2. `result` is
  // where the first of window 0 goes, windows being `step` outputs apart. With kMore, what lies at
  // `more` in the same order is added.
  template <bool kMore>
  [[gnu::always_inline]] void sum_pair(int number, int step, int distance, int32_t* result,
                                       const int32_t* more) const {
    const auto at = [&](int p, int v, int output) {
      return (int64_t{step} * (first + p) + output) * args.sums_step + v * kLanes;
    };
    // a + b and b + c: both go on from b.
    Sums even, odd;
    each([&](int p, int v) { even[p][v] = Steps::none(); });
    add_track(number + 1, even);
    each([&](int p, int v) {
      odd[p][v] = even[p][v];
      if constexpr (kMore) {
        even[p][v] = Vec::add_ints(even[p][v], Vec::load_ints(more + at(p, v, 0)));
        odd[p][v] = Vec::add_ints(odd[p][v], Vec::load_ints(more + at(p, v, distance)));
      }
    });
    add_track(number, even);
    add_track(number + 2, odd);
    each([&](int p, int v) {
      Vec::store_ints(result + at(p, v, 0), even[p][v]);
      Vec::store_ints(result + at(p, v, distance), odd[p][v]);
    });
  }
};

// Windows of a register tile of V vectors of filters, when there are so many sums per window and
// filter.
template <int V, int kSums>
constexpr int most_windows() {
  constexpr int kWindows = Vec::kSumPixels / V / kSums;
  return kWindows < 1 ? 1 : kWindows < 12 ? kWindows : 12;
}

// All windows with one tile of filters.
template <typename Steps, int V>
inline void sum_filters(const RealConvArgs& args, const uint8_t* weights, int64_t filter) {
  auto* const sums = static_cast<uint8_t*>(args.sums) + 4 * filter;
  if constexpr (Steps::kFast) {
    auto* const pairs = reinterpret_cast<int32_t*>(sums);
    const auto sum_pairs = [&](auto more, int number, int step, int distance, int32_t* result) {
      for_window_tiles<most_windows<V, 2>()>(args.windows, [&](auto count, int first) {
        const ConvTile<Steps, V, decltype(count)::value> tile{args, weights, first};
        tile.template sum_pair<decltype(more)::value>(number, step, distance, result,
                                                      pairs + args.sums_step);
      });
    };
    if (args.levels == 1) {
      sum_pairs(Count<false>(), 0, 2, 1, pairs);
      return;
    }
    if (args.levels == 2) {
      // The pair b is kept where b + c goes; a + b is computed from it first.
      sum_pairs(Count<false>(), 3, 4, 2, pairs + args.sums_step);
      sum_pairs(Count<true>(), 0, 4, 2, pairs);
      sum_pairs(Count<true>(), 6, 4, 2, pairs + args.sums_step);
      return;
    }
  }
  for_window_tiles<most_windows<V, 1>()>(args.windows, [&](auto count, int first) {
    ConvTile<Steps, V, decltype(count)::value>{args, weights, first}.sum(sums);
  });
}

template <typename Steps>
inline void sum_windows(const RealConvArgs& args) {
  const auto* weights = static_cast<const uint8_t*>(args.weights);
  int vectors = (args.filters + Vec::kFloatLanes - 1) / Vec::kFloatLanes;
  int64_t filter = 0;
  while (vectors > 0) {
    const int tile = tile_vectors(vectors, Vec::kTileVectors);
    if (tile == 4) {
      sum_filters<Steps, 4>(args, weights, filter);
    } else if (tile == 2) {
      sum_filters<Steps, 2>(args, weights, filter);
    } else {
      sum_filters<Steps, 1>(args, weights, filter);
    }
    weights += args.steps * tile * 4 * Vec::kFloatLanes;
    filter += tile * Vec::kFloatLanes;
    vectors -= tile;
  }
}

void real_conv(const RealConvArgs& args) { sum_windows<FloatSteps>(args); }

void pixel_conv(const RealConvArgs& args) { sum_windows<PairSteps>(args); }
