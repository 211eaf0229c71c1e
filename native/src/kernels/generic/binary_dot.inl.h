// Binary dots over the vocabulary `Vec`; see BinaryDotArgs for the arithmetic.
//
// A register tile holds P pixels × V vectors of filters. A step loads V vectors of weights once and
// broadcasts one word of each pixel, so it costs V + P loads for P·V xor-popcount-adds.

template <bool kMasked, int V, int P>
inline void count_words(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                        const uint64_t* weights, int begin, int end,
                        typename Vec::Counts (&counts)[P][V]) {
  for (int word = begin; word < end; ++word) {
    const uint64_t* step = weights + static_cast<int64_t>(word) * V * Vec::kWordLanes;
    const int64_t offset = args.offsets[word];
    typename Vec::Words weight[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) weight[v] = Vec::load_words(step + v * Vec::kWordLanes);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      typename Vec::Words signs = Vec::broadcast_word(windows[p] + offset);
      if constexpr (kMasked) {
        signs = Vec::and_words(signs, Vec::broadcast_word(args.masks + (word - args.full_words)));
      }
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) {
        counts[p][v] = Vec::count(counts[p][v], Vec::xor_words(signs, weight[v]));
      }
    }
  }
}

template <bool kMasked, int V, int P>
inline void total_words(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                        const uint64_t* weights, int begin, int end,
                        typename Vec::Totals (&totals)[P][V]) {
  if constexpr (Vec::kCountedWords == 0) {
    count_words<kMasked, V, P>(args, windows, weights, begin, end, totals);
  } else {
    // Byte counters: added up before they can overflow.
    for (int word = begin; word < end; word += Vec::kCountedWords) {
      typename Vec::Counts counts[P][V];
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) counts[p][v] = Vec::no_counts();
      }
      const int stop = end - word > Vec::kCountedWords ? word + Vec::kCountedWords : end;
      count_words<kMasked, V, P>(args, windows, weights, word, stop, counts);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) totals[p][v] = Vec::total(totals[p][v], counts[p][v]);
      }
    }
  }
}

template <int V, int P>
inline void dot_tile(const BinaryDotArgs& args, const uint64_t* weights, int pixel,
                     int64_t filter) {
  const uint8_t* windows[P];
  typename Vec::Totals totals[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    windows[p] = args.windows[pixel + p] + args.window_shift;
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) totals[p][v] = Vec::no_totals();
  }
  total_words<false, V, P>(args, windows, weights, 0, args.full_words, totals);
  if (args.full_words < args.words) {
    total_words<true, V, P>(args, windows, weights, args.full_words, args.words, totals);
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    int32_t* dots = args.dots + (pixel + p) * args.dots_step + filter;
    const int32_t* base = args.base[pixel + p] + args.first_filter + filter;
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      Vec::store_dots(dots + v * Vec::kWordLanes, base + v * Vec::kWordLanes, totals[p][v]);
    }
  }
}

template <int V, int P>
inline void dot_tile_of(int pixels, const BinaryDotArgs& args, const uint64_t* weights, int pixel,
                        int64_t filter) {
  if (pixels == P) {
    dot_tile<V, P>(args, weights, pixel, filter);
  } else if constexpr (P > 1) {
    dot_tile_of<V, P - 1>(pixels, args, weights, pixel, filter);
  }
}

// All pixels with one tile of filters, in tiles of nearly equal size: 7 pixels are 4 + 3, not 6
// + 1.
template <int V>
inline void dot_filters(const BinaryDotArgs& args, const uint64_t* weights, int64_t filter) {
  constexpr int kPixels = Vec::kDotPixels / V < 12 ? Vec::kDotPixels / V : 12;
  const int tiles = (args.pixels + kPixels - 1) / kPixels;
  for (int tile = 0; tile < tiles; ++tile) {
    const int begin = args.pixels * tile / tiles;
    const int end = args.pixels * (tile + 1) / tiles;
    dot_tile_of<V, kPixels>(end - begin, args, weights, begin, filter);
  }
}

void binary_dot(const BinaryDotArgs& args) {
  const uint64_t* weights = args.weights;
  int vectors = (args.filters + Vec::kWordLanes - 1) / Vec::kWordLanes;
  int64_t filter = 0;
  while (vectors > 0) {
    const int tile = tile_vectors(vectors, Vec::kTileVectors);
    if (tile == 4) {
      dot_filters<4>(args, weights, filter);
    } else if (tile == 2) {
      dot_filters<2>(args, weights, filter);
    } else {
      dot_filters<1>(args, weights, filter);
    }
    weights += static_cast<int64_t>(args.words) * tile * Vec::kWordLanes;
    filter += tile * Vec::kWordLanes;
    vectors -= tile;
  }
}

void max_dots(const MaxDotsArgs& args) {
  for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) {
    const int32_t* row = args.rows + c;
    typename Vec::Ints best = Vec::load_ints(args.fold ? args.result + c : row);
    for (int r = 0; r < args.count; ++r) {
      best = Vec::larger_int(best, Vec::load_ints(row + r * args.step));
    }
    Vec::store_ints(args.result + c, best);
  }
}
