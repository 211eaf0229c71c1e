// Binary dots over the vocabulary `Vec`; see BinaryDotArgs for the arithmetic.
//
// Three words of differing bits x0, x1, x2 are a full adder's inputs: their sum s = x0 ^ x1 ^ x2
// has weight 1, their carry (the majority) weight 2. As s = (a0 ^ a1 ^ a2) ^ (w0 ^ w1 ^ w2) comes
// ready from words that were combined beforehand, x2 is not needed: the majority is x0 where
// x0 = x1, else it is ~s. So three words cost 3 xors, 1 majority, 2 counts and 2 additions instead
// of 3 xors, 3 counts and 3 additions: an eighth less.

// A word of every lane alike, `offset` bytes from the window's address. It may lie in another array
// than the window does, so this is arithmetic on numbers and not on pointers.
inline typename Vec::Words signs_at(const uint8_t* window, int64_t offset) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(window) + static_cast<uintptr_t>(offset);
  return Vec::broadcast_word(reinterpret_cast<const void*>(address));
}

// One triple of P windows and a vector of filters; the first of all begins the counts.
template <bool kFirst, int P>
inline void count_triple(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                         const uint32_t* weights, int triple, typename Vec::Counts (&counts)[P]) {
  const uint32_t* const step = weights + static_cast<int64_t>(triple) * 3 * Vec::kWordLanes;
  const typename Vec::Words weight0 = Vec::load_words(step);
  const typename Vec::Words weight1 = Vec::load_words(step + Vec::kWordLanes);
  const typename Vec::Words weights_sum = Vec::load_words(step + 2 * Vec::kWordLanes);
  const int64_t first = args.offsets[triple];
  const int64_t second = first + args.second, sum_at = first + args.sum;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    const typename Vec::Words x0 = Vec::xor_words(signs_at(windows[p], first), weight0);
    const typename Vec::Words x1 = Vec::xor_words(signs_at(windows[p], second), weight1);
    const typename Vec::Words sum = Vec::xor_words(signs_at(windows[p], sum_at), weights_sum);
    if constexpr (kFirst) {
      Vec::first_sum(counts[p], sum, Vec::majority(x0, x1, sum));
    } else {
      Vec::count_sum(counts[p], sum, Vec::majority(x0, x1, sum));
    }
  }
}

template <int P>
inline void count_triples(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                          const uint32_t* weights, int begin, int end,
                          typename Vec::Counts (&counts)[P]) {
  count_triple<true>(args, windows, weights, begin, counts);
  for (int triple = begin + 1; triple < end; ++triple) {
    count_triple<false>(args, windows, weights, triple, counts);
  }
}

template <int P>
inline void count_singles(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                          const uint32_t* weights, int begin, int end,
                          typename Vec::Counts (&counts)[P]) {
  for (int word = begin; word < end; ++word) {
    const typename Vec::Words weight =
        Vec::load_words(weights + static_cast<int64_t>(word) * Vec::kWordLanes);
    const int64_t offset = args.offsets[args.triples + word];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      Vec::count(counts[p], Vec::xor_words(signs_at(windows[p], offset), weight));
    }
  }
}

template <int P>
inline void no_counts(typename Vec::Counts (&counts)[P]) {
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) counts[p] = Vec::no_counts();
}

template <int P>
inline void add_counts(const typename Vec::Counts (&counts)[P], typename Vec::Totals (&totals)[P]) {
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) totals[p] = Vec::total(totals[p], counts[p]);
}

// Counts are as wide as totals.
template <int P>
inline void count_window(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                         const uint32_t* triples, const uint32_t* singles,
                         typename Vec::Totals (&totals)[P]) {
  typename Vec::Counts counts[P];
  if (args.triples > 0) {
    count_triples(args, windows, triples, 0, args.triples, counts);
  } else {
    no_counts(counts);
  }
  count_singles(args, windows, singles, 0, args.singles, counts);
  add_counts(counts, totals);
}

// Counts are bytes, added to the totals before they can overflow.
template <int P>
inline void count_window_in_bytes(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                                  const uint32_t* triples, const uint32_t* singles,
                                  typename Vec::Totals (&totals)[P]) {
  constexpr int kTriples = 255 / 24, kSingles = 255 / 8;
  typename Vec::Counts counts[P];
  for (int begin = 0; begin < args.triples; begin += kTriples) {
    const int end = args.triples - begin > kTriples ? begin + kTriples : args.triples;
    count_triples(args, windows, triples, begin, end, counts);
    add_counts(counts, totals);
  }
  for (int begin = 0; begin < args.singles; begin += kSingles) {
    const int end = args.singles - begin > kSingles ? begin + kSingles : args.singles;
    no_counts(counts);
    count_singles(args, windows, singles, begin, end, counts);
    add_counts(counts, totals);
  }
}

template <int P>
inline void dot_tile(const BinaryDotArgs& args, const uint32_t* weights, int pixel,
                     int64_t filter) {
  const uint8_t* windows[P];
  typename Vec::Totals totals[P];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    windows[p] = args.windows[pixel + p];
    totals[p] = Vec::no_totals();
  }
  const uint32_t* const singles =
      weights + static_cast<int64_t>(args.triples) * 3 * Vec::kWordLanes;
  if constexpr (Vec::kByteCounts) {
    count_window_in_bytes(args, windows, weights, singles, totals);
  } else {
    count_window(args, windows, weights, singles, totals);
  }
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
