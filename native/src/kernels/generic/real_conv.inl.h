// Real convolutions over the vocabulary `Vec`: vectors of filters, P windows side by side, one
// chain of multiply-adds an output. See RealConvArgs for the arithmetic.

// What a step of real_conv does.
struct FloatSteps {
  using Vector = typename Vec::Floats;
  static Vector none() { return Vec::set(0.0f); }
  static Vector weights(const uint8_t* p) { return Vec::load(reinterpret_cast<const float*>(p)); }
  static Vector broadcast(const uint8_t* p) {
    float x;
    __builtin_memcpy(&x, p, sizeof x);
    return Vec::set(x);
  }
  static Vector add(Vector sum, Vector x, Vector w) { return Vec::fma(x, w, sum); }
  static void store(void* sums, int64_t at, Vector v) {
    Vec::store(static_cast<float*>(sums) + at, v);
  }
};

// What a step of pixel_conv does.
struct PairSteps {
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

// One register tile: windows [first, first + P), sums from index `at` on.
template <typename Steps, int V, int P>
inline void sum_tile(const RealConvArgs& args, const ConvTrack& track, const uint8_t* weights,
                     int first, int64_t at) {
  constexpr int kLanes = Vec::kFloatLanes;
  constexpr int kVectorBytes = 4 * kLanes;
  const uint8_t* windows[P];
  typename Steps::Vector sums[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    windows[p] = args.window[first + p] + args.window_shift + track.shift;
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sums[p][v] = Steps::none();
  }
  for (int segment = 0; segment < args.segments; ++segment) {
    const int64_t begin = args.offsets[segment], end = begin + int64_t{4} * track.steps;
    for (int64_t step = begin; step < end; step += 4) {
      typename Steps::Vector weight[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) weight[v] = Steps::weights(weights + v * kVectorBytes);
      weights += V * kVectorBytes;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const typename Steps::Vector x = Steps::broadcast(windows[p] + step);
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) sums[p][v] = Steps::add(sums[p][v], x, weight[v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      Steps::store(args.sums, at + p * args.sums_step + v * kLanes, sums[p][v]);
    }
  }
}

template <typename Steps, int V, int P>
inline void sum_tile_of(int windows, const RealConvArgs& args, const ConvTrack& track,
                        const uint8_t* weights, int first, int64_t at) {
  if (windows == P) {
    sum_tile<Steps, V, P>(args, track, weights, first, at);
  } else if constexpr (P > 1) {
    sum_tile_of<Steps, V, P - 1>(windows, args, track, weights, first, at);
  }
}

// All windows and tracks with one tile of filters; windows in tiles of nearly equal size. Returns
// where the next tile's weights begin.
template <typename Steps, int V>
inline const uint8_t* sum_filters(const RealConvArgs& args, const uint8_t* weights,
                                  int64_t filter) {
  constexpr int kWindows = Vec::kSumPixels / V < 12 ? Vec::kSumPixels / V : 12;
  const int tiles = (args.windows + kWindows - 1) / kWindows;
  for (int t = 0; t < args.tracks; ++t) {
    const ConvTrack& track = args.track[t];
    for (int tile = 0; tile < tiles; ++tile) {
      const int begin = args.windows * tile / tiles;
      const int end = args.windows * (tile + 1) / tiles;
      const int64_t at = (int64_t{t} * args.windows + begin) * args.sums_step + filter;
      sum_tile_of<Steps, V, kWindows>(end - begin, args, track, weights, begin, at);
    }
    weights += int64_t{args.segments} * track.steps * V * 4 * Vec::kFloatLanes;
  }
  return weights;
}

template <typename Steps>
inline void sum_windows(const RealConvArgs& args) {
  const auto* weights = static_cast<const uint8_t*>(args.weights);
  int vectors = (args.filters + Vec::kFloatLanes - 1) / Vec::kFloatLanes;
  int64_t filter = 0;
  while (vectors > 0) {
    const int tile = tile_vectors(vectors, Vec::kTileVectors);
    if (tile == 4) {
      weights = sum_filters<Steps, 4>(args, weights, filter);
    } else if (tile == 2) {
      weights = sum_filters<Steps, 2>(args, weights, filter);
    } else {
      weights = sum_filters<Steps, 1>(args, weights, filter);
    }
    filter += tile * Vec::kFloatLanes;
    vectors -= tile;
  }
}

void real_conv(const RealConvArgs& args) { sum_windows<FloatSteps>(args); }

void pixel_conv(const RealConvArgs& args) { sum_windows<PairSteps>(args); }

// The 2^levels sums of one window and one vector of filters; see FoldArgs.
template <int kLevels>
inline void fold(const int32_t* tracks, int64_t track_step,
                 typename Vec::Ints (&sums)[1 << kLevels]) {
  if constexpr (kLevels == 0) {
    sums[0] = Vec::load_ints(tracks);
  } else {
    constexpr int kHalf = 1 << (kLevels - 1);
    constexpr int kTracks = kLevels == 1 ? 1 : 3;  // of a third
    typename Vec::Ints a[kHalf], b[kHalf], c[kHalf];
    fold<kLevels - 1>(tracks, track_step, a);
    fold<kLevels - 1>(tracks + kTracks * track_step, track_step, b);
    fold<kLevels - 1>(tracks + 2 * kTracks * track_step, track_step, c);
#pragma GCC unroll 2
    for (int i = 0; i < kHalf; ++i) {
      sums[2 * i] = Vec::add_ints(a[i], b[i]);
      sums[2 * i + 1] = Vec::add_ints(b[i], c[i]);
    }
  }
}

template <int kLevels>
inline void fold_windows(const FoldArgs& args) {
  constexpr int kSums = 1 << kLevels;
  for (int window = 0; window < args.windows; ++window) {
    for (int64_t filter = 0; filter < args.filters; filter += Vec::kFloatLanes) {
      typename Vec::Ints sums[kSums];
      fold<kLevels>(args.tracks + window * args.step + filter, args.windows * args.step, sums);
#pragma GCC unroll 4
      for (int i = 0; i < kSums; ++i) {
        Vec::store_ints(args.sums + (int64_t{window} * kSums + i) * args.step + filter, sums[i]);
      }
    }
  }
}

void fold_tracks(const FoldArgs& args) {
  if (args.levels == 1) {
    fold_windows<1>(args);
  } else {
    fold_windows<2>(args);
  }
}
