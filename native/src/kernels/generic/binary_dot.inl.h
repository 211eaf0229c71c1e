// Binary dots over the vocabulary `Vec` and its count_windows; see BinaryDotArgs for the
// arithmetic.

template <int P>
inline void dot_tile(const BinaryDotArgs& args, const uint32_t* weights, int pixel,
                     int64_t filter) {
  const uint8_t* windows[P];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) windows[p] = args.windows[pixel + p];
  const uint32_t* const singles =
      weights + static_cast<int64_t>(args.triples) * 3 * Vec::kWordLanes;
  typename Vec::Totals totals[P];
  count_windows(args, windows, weights, singles, totals);
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    Vec::store_dots(args.dots + (pixel + p) * args.dots_step + filter,
                    args.base[pixel + p] + args.first_filter + filter, totals[p]);
  }
}

template <int P>
inline void dot_tile_of(int pixels, const BinaryDotArgs& args, const uint32_t* weights, int pixel,
                        int64_t filter) {
  if (pixels == P) {
    dot_tile<P>(args, weights, pixel, filter);
  } else if constexpr (P > 1) {
    dot_tile_of<P - 1>(pixels, args, weights, pixel, filter);
  }
}

// Vector by vector of filters, whose weights stay in L1 while all pixels meet them, in tiles of
// nearly equal size: 9 pixels are 5 + 4, not 8 + 1.
void binary_dot(const BinaryDotArgs& args) {
  const int64_t words = 3 * static_cast<int64_t>(args.triples) + args.singles;
  const int tiles = (args.pixels + Vec::kDotPixels - 1) / Vec::kDotPixels;
  const uint32_t* weights = args.weights;
  for (int64_t filter = 0; filter < args.filters; filter += Vec::kWordLanes) {
    for (int tile = 0; tile < tiles; ++tile) {
      const int begin = args.pixels * tile / tiles;
      const int end = args.pixels * (tile + 1) / tiles;
      dot_tile_of<Vec::kDotPixels>(end - begin, args, weights, begin, filter);
    }
    weights += words * Vec::kWordLanes;
  }
}

void xor_triples(const uint8_t* words, int64_t distance, int64_t bytes, uint8_t* sums) {
  for (int64_t i = 0; i < bytes; i += Vec::kBytes) {
    Vec::store_bytes(sums + i,
                     Vec::xor_bytes(words + i, words + i + distance, words + i + 2 * distance));
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
