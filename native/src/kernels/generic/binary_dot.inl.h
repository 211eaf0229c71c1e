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

template <int P>
inline void count_triples(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                          const uint32_t* weights, int begin, int end,
                          typename Vec::Counts (&counts)[P]) {
  for (int triple = begin; triple < end; ++triple) {
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
      Vec::count_sum(counts[p], sum, Vec::majority(x0, x1, sum));
    }
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

// Runs count(begin, end, counts) over [0, steps), in pieces after which counts that could overflow
// are added to the totals. `most` is the number of steps a count holds.
template <int P, typename Count>
inline void total_steps(int steps, int most, typename Vec::Totals (&totals)[P], Count count) {
  for (int begin = 0; begin < steps; begin += most) {
    typename Vec::Counts counts[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) counts[p] = Vec::no_counts();
    count(begin, steps - begin > most ? begin + most : steps, counts);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) totals[p] = Vec::total(totals[p], counts[p]);
  }
}

template <int P>
inline void dot_tile(const BinaryDotArgs& args, const uint32_t* weights, int pixel,
                     int64_t filter) {
  const uint8_t* windows[P];
  typename Vec::Totals totals[P];
  const uint32_t* const singles =
      weights + static_cast<int64_t>(args.triples) * 3 * Vec::kWordLanes;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) windows[p] = args.windows[pixel + p];
  if constexpr (Vec::kCountedBits == 0) {  // counts are as wide as totals
    typename Vec::Counts counts[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) counts[p] = Vec::no_counts();
    count_triples<P>(args, windows, weights, 0, args.triples, counts);
    count_singles<P>(args, windows, singles, 0, args.singles, counts);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) totals[p] = Vec::total(Vec::no_totals(), counts[p]);
  } else {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) totals[p] = Vec::no_totals();
    // A byte counts at most 8 bits a word, 24 a triple.
    total_steps<P>(args.triples, Vec::kCountedBits / 24, totals,
                   [&](int begin, int end, auto& counts) {
                     count_triples<P>(args, windows, weights, begin, end, counts);
                   });
    total_steps<P>(args.singles, Vec::kCountedBits / 8, totals,
                   [&](int begin, int end, auto& counts) {
                     count_singles<P>(args, windows, singles, begin, end, counts);
                   });
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
