// What all windows and filters of a block have in common, over the vocabulary `Vec` and its
// count_windows. A sink takes what differs, a vector of filters of one window at a time; `sinks`
// have one for each vector.

constexpr bool kSideBySide = false;
constexpr bool kLooksUp = false;
constexpr int kFilterLanes = Vec::kWordLanes;

template <int P, typename Sink>
inline void dot_tile(const BinaryDotArgs& args, const uint32_t* weights, int pixel,
                     const Sink& sink) {
  const uint8_t* windows[P];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) windows[p] = args.windows[pixel + p];
  const uint32_t* const singles =
      weights + static_cast<int64_t>(args.triples) * 3 * Vec::kWordLanes;
  typename Vec::Totals differing[P];
  count_windows(args, windows, weights, singles, differing);
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    sink.take(pixel + p, args.base[pixel + p], differing[p]);
  }
}

template <int P, typename Sink>
inline void dot_tile_of(int pixels, const BinaryDotArgs& args, const uint32_t* weights, int pixel,
                        const Sink& sink) {
  if (pixels == P) {
    dot_tile<P>(args, weights, pixel, sink);
  } else if constexpr (P > 1) {
    dot_tile_of<P - 1>(pixels, args, weights, pixel, sink);
  }
}

// Vector by vector of filters, whose weights stay in L1 while all pixels meet them, in tiles of
// nearly equal size: 9 pixels are 5 + 4, not 8 + 1.
template <typename Sinks>
inline void dot_windows(const BinaryDotArgs& shared, const Sinks& sinks) {
  const BinaryDotArgs args = shared;  // a copy that no store can alias
  const int64_t words = 3 * static_cast<int64_t>(args.triples) + args.singles;
  const int tiles = (args.pixels + Vec::kDotPixels - 1) / Vec::kDotPixels;
  const uint32_t* weights = args.weights;
  for (int64_t filter = 0; filter < args.filters; filter += Vec::kWordLanes) {
    const auto sink = sinks.of(filter);
    for (int tile = 0; tile < tiles; ++tile) {
      const int begin = args.pixels * tile / tiles;
      const int end = args.pixels * (tile + 1) / tiles;
      dot_tile_of<Vec::kDotPixels>(end - begin, args, weights, begin, sink);
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
