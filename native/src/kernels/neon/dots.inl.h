// Binary dots for NEON, in place of generic/dots/dot_windows.inl.h; see BinaryDotArgs.
//
// Beside a triple's first word a0 lie p = a0 ^ a1 and s = a0 ^ a1 ^ a2, and its weights are w0,
// w0 ^ w1 and ~(w0 ^ w1 ^ w2). With x0, x1, x2 the differing bits of the three words, three xors
// yield x0, x0 ^ x1 and n = ~(x0 ^ x1 ^ x2). The majority m is x0 where x0 = x1, else x2, which is
// n there: one bit select. As x0 + x1 + x2 = (1 - n) + 2·m, what differs in three words is 32 -
// bits(n) + 2·bits(m): six operations for two counts, and two that add them up.
//
// A tile is P windows by V vectors of filters. `Vec::Sum` holds what was counted of one window with
// the four filters of a register, and add_triple() the operations above. Of two windows they are
// written out in assembly, as a compiler would hoist the loads and spill what it holds. They are
// interleaved, so that a core in order need not wait for a result; a core out of order loses
// nothing by that, so one loop serves both.

constexpr bool kSideBySide = true;
constexpr bool kLooksUp = false;
constexpr int kFilterLanes = Vec::kWordLanes;

// The words of a triple, in every lane alike.
struct TripleWords {
  uint32x4_t first, pair, all;
};

// Into registers of its own for each of two windows: a compiler would load into others and copy.
template <int kWindow>
[[gnu::always_inline]] inline TripleWords load_triple(uintptr_t address) {
  const auto* const words = reinterpret_cast<const uint32_t (*)[3]>(address);
  if constexpr (kWindow == 0) {
    register uint32x4_t first asm("v0");
    register uint32x4_t pair asm("v1");
    register uint32x4_t all asm("v2");
    asm("ld3r {v0.4s, v1.4s, v2.4s}, [%3]"
        : "=w"(first), "=w"(pair), "=w"(all)
        : "r"(words), "m"(*words));
    return {first, pair, all};
  } else {
    register uint32x4_t first asm("v3");
    register uint32x4_t pair asm("v4");
    register uint32x4_t all asm("v5");
    asm("ld3r {v3.4s, v4.4s, v5.4s}, [%3]"
        : "=w"(first), "=w"(pair), "=w"(all)
        : "r"(words), "m"(*words));
    return {first, pair, all};
  }
}

template <int P, int V>
struct DotTile {
  using Sums = typename Vec::Sum[P][V][Vec::kRegisters];

  const BinaryDotArgs& args;
  const uint32_t* weights;  // of the first vector
  int64_t vector_words;     // from a vector's weights to the next
  int first;                // window

  [[gnu::always_inline]] uintptr_t window(int p) const {
    return reinterpret_cast<uintptr_t>(args.windows[first + p]);
  }

  // Adds triples [begin, end).
  [[gnu::always_inline]] void add_triples(int begin, int end, Sums& sums) const {
    uintptr_t places[P];
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      places[p] = 3 * window(p) + static_cast<uintptr_t>(args.triple_xor);
    }
    const uint32_t* step = weights + int64_t{3} * Vec::kWordLanes * begin;
#pragma GCC unroll 1
    for (int triple = begin; triple < end; ++triple, step += 3 * Vec::kWordLanes) {
      const uintptr_t offset = 3 * static_cast<uintptr_t>(args.offsets[triple]);
      TripleWords words[P];
      words[0] = load_triple<0>(places[0] + offset);
      if constexpr (P == 2) words[1] = load_triple<1>(places[1] + offset);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        const uint32_t* const at = step + v * vector_words;
        add_register<0>(at, words, sums, v);
        add_register<1>(at, words, sums, v);
        add_register<2>(at, words, sums, v);
        add_register<3>(at, words, sums, v);
      }
    }
  }

  template <int kRegister>
  [[gnu::always_inline]] static void add_register(const uint32_t* at, const TripleWords (&words)[P],
                                                  Sums& sums, int v) {
    if constexpr (P == 2) {
      Vec::template add_triples<kRegister>(at, words[0], words[1], sums[0][v][kRegister],
                                           sums[1][v][kRegister]);
    } else {
      const uint32_t* const first = at + 4 * kRegister;
      const uint32x4_t x0 = veorq_u32(words[0].first, vld1q_u32(first));
      const uint32x4_t differ = veorq_u32(words[0].pair, vld1q_u32(first + Vec::kWordLanes));
      const uint32x4_t n = veorq_u32(words[0].all, vld1q_u32(first + 2 * Vec::kWordLanes));
      const uint32x4_t m = vbslq_u32(differ, n, x0);
      sums[0][v][kRegister].add_triple(vcntq_u8(vreinterpretq_u8_u32(n)),
                                       vcntq_u8(vreinterpretq_u8_u32(m)));
    }
  }

  // Adds single words [begin, end).
  [[gnu::always_inline]] void add_singles(int begin, int end, Sums& sums) const {
    const int64_t triples = args.triples;
    const uint32_t* step = weights + (3 * triples + begin) * Vec::kWordLanes;
    for (int word = begin; word < end; ++word, step += Vec::kWordLanes) {
      const auto offset = static_cast<uintptr_t>(args.offsets[triples + word]);
#pragma GCC unroll 2
      for (int p = 0; p < P; ++p) {
        const uint32x4_t signs =
            vld1q_dup_u32(reinterpret_cast<const uint32_t*>(window(p) + offset));
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) {
#pragma GCC unroll 4
          for (int r = 0; r < Vec::kRegisters; ++r) {
            const uint32x4_t differing =
                veorq_u32(signs, vld1q_u32(step + v * vector_words + 4 * r));
            sums[p][v][r].add_single(vcntq_u8(vreinterpretq_u8_u32(differing)));
          }
        }
      }
    }
  }

  // What differs, of all words; Vec::kMostTriples and kMostSingles at a time.
  [[gnu::always_inline]] void count(Sums& sums) const {
    each_sum(sums, [&](auto& sum) { sum.start(32 * args.triples); });
    for (int begin = 0; begin < args.triples; begin += Vec::kMostTriples) {
      const int left = args.triples - begin;
      add_triples(begin, begin + (left < Vec::kMostTriples ? left : Vec::kMostTriples), sums);
      each_sum(sums, [](auto& sum) { sum.flush(); });
    }
    for (int begin = 0; begin < args.singles; begin += Vec::kMostSingles) {
      const int left = args.singles - begin;
      add_singles(begin, begin + (left < Vec::kMostSingles ? left : Vec::kMostSingles), sums);
      each_sum(sums, [](auto& sum) { sum.flush(); });
    }
  }

  template <typename Function>
  [[gnu::always_inline]] static void each_sum(Sums& sums, Function function) {
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
#pragma GCC unroll 4
        for (int r = 0; r < Vec::kRegisters; ++r) function(sums[p][v][r]);
      }
    }
  }
};

// `sinks` are those of each vector.
template <int P, int V, typename Sink>
[[gnu::always_inline]] inline void dot_tile(const BinaryDotArgs& args, const uint32_t* weights,
                                            int64_t vector_words, int first, const Sink* sinks) {
  const DotTile<P, V> tile{args, weights, vector_words, first};
  typename DotTile<P, V>::Sums sums;
  tile.count(sums);
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) {
#pragma GCC unroll 2
    for (int p = 0; p < P; ++p) {
      sinks[v].take(
          first + p, args.base[first + p],
          Vec::template each<typename Vec::Totals>([&](int r) { return sums[p][v][r].total; }));
    }
  }
}

// Apart, as each such loop needs all registers; flat, as a call would store what they hold.
template <int V, typename Sinks>
[[gnu::noinline, gnu::flatten]] void dot_filters(const BinaryDotArgs& args, const uint32_t* weights,
                                                 int64_t vector_words, int64_t filter,
                                                 const Sinks& sinks) {
  using Sink = decltype(sinks.of(filter));
  const Sink of_first = sinks.of(filter);
  const Sink of_vectors[2] = {of_first, V == 2 ? sinks.of(filter + Vec::kWordLanes) : of_first};
  int pixel = 0;
  for (; pixel + 2 <= args.pixels; pixel += 2) {
    dot_tile<2, V>(args, weights, vector_words, pixel, of_vectors);
  }
  if (pixel < args.pixels) dot_tile<1, V>(args, weights, vector_words, pixel, of_vectors);
}

// So many vectors of filters at a time, whose weights stay in L1 while all pixels meet them.
template <typename Sinks>
inline void dot_windows(const BinaryDotArgs& shared, const Sinks& sinks) {
  const BinaryDotArgs args = shared;  // a copy that no store can alias
  const int64_t vector_words =
      (3 * static_cast<int64_t>(args.triples) + args.singles) * Vec::kWordLanes;
  const uint32_t* weights = args.weights;
  int64_t filter = 0;
  if constexpr (Vec::kDotVectors == 2) {
    constexpr int kBoth = 2 * Vec::kWordLanes;
    for (; filter + Vec::kWordLanes < args.filters; filter += kBoth) {
      dot_filters<2>(args, weights, vector_words, filter, sinks);
      weights += 2 * vector_words;
    }
  }
  for (; filter < args.filters; filter += Vec::kWordLanes) {
    dot_filters<1>(args, weights, vector_words, filter, sinks);
    weights += vector_words;
  }
}

void xor_triples(const uint8_t* words, int64_t distance, int64_t bytes, uint8_t* triples) {
  for (int64_t i = 0; i < bytes; i += 16) {
    uint32x4x3_t words_of_triples;
    words_of_triples.val[0] = vreinterpretq_u32_u8(vld1q_u8(words + i));
    const uint32x4_t second = vreinterpretq_u32_u8(vld1q_u8(words + i + distance));
    const uint32x4_t third = vreinterpretq_u32_u8(vld1q_u8(words + i + 2 * distance));
    words_of_triples.val[1] = veorq_u32(words_of_triples.val[0], second);
    words_of_triples.val[2] = veorq_u32(words_of_triples.val[1], third);
    vst3q_u32(reinterpret_cast<uint32_t*>(triples + 3 * i), words_of_triples);
  }
}
