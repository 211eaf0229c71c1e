// Binary dots for SIMD128, in place of generic/dots/dot_windows.inl.h; see BinaryDotArgs.
//
// Differing bits are looked up. For four bits of two windows there is a table of 16 bytes: for each
// four bits that a filter may have, how many of the first window's differ in the lower half, and of
// the second's in the upper. Four bits of 16 filters choose 16 bytes of it at once: 128
// multiply-adds by one i8x16.swizzle, which is two instructions of x86-64. (i8x16.popcnt is eight,
// and has to be preceded by an xor and followed by more additions.) The upper halves of three
// look-ups' sums, at most 12, are added up apart. So are the bytes, modulo 256, of which the upper
// halves' part is taken away in the end.
//
// Loops keep what V8 needs to hold within the sixteen registers of x86-64, and lie in functions of
// their own: else it spills, and takes up to twice as long.

constexpr bool kByteCounts = true;
constexpr bool kSideBySide = false;
constexpr bool kLooksUp = true;
constexpr int kFilterLanes = 16;
constexpr int kWordLookups = 8;
constexpr decltype(KernelTable::xor_triples) xor_triples = nullptr;

struct DifferenceTables {
  alignas(16) uint8_t of[256][16];  // by the bits of both windows, the first one's lower
};

constexpr DifferenceTables make_differences() {
  DifferenceTables tables{};
  for (int both = 0; both < 256; ++both) {
    for (int filter = 0; filter < 16; ++filter) {
      const int first = __builtin_popcount((both & 15) ^ filter);
      const int second = __builtin_popcount((both >> 4) ^ filter);
      tables.of[both][filter] = static_cast<uint8_t>(first + 16 * second);
    }
  }
  return tables;
}

constexpr DifferenceTables kDifferences = make_differences();

using Table = const uint8_t*;

template <int kTimes, typename Function>
[[gnu::always_inline]] inline void repeat(Function function) {
#pragma GCC unroll 4
  for (int i = 0; i < kTimes; ++i) function(i);
}

// Of both windows' counts the first + 16 · the second modulo 256, and the second alone.
template <int V>
struct ByteCounts {
  v128_t all[V], second[V];

  ByteCounts() {
    repeat<V>([&](int v) { all[v] = second[v] = wasm_i8x16_const_splat(0); });
  }

  // At most three look-ups. The weights of each register lie `step` bytes after the one before.
  template <int kLookups>
  [[gnu::always_inline]] void add(const Table* tables, const uint8_t* weights, intptr_t step) {
    v128_t table[kLookups];
    repeat<kLookups>([&](int i) { table[i] = wasm_v128_load(tables[i]); });
    repeat<V>([&](int v) {
      v128_t counts = wasm_i8x16_swizzle(table[0], wasm_v128_load(weights));
      repeat<kLookups - 1>([&](int i) {
        const v128_t bits = wasm_v128_load(weights + kFilterLanes * (i + 1));
        counts = wasm_i8x16_add(counts, wasm_i8x16_swizzle(table[i + 1], bits));
      });
      weights += step;
      all[v] = wasm_i8x16_add(all[v], counts);
      const v128_t upper = wasm_v128_and(wasm_u16x8_shr(counts, 4), wasm_i8x16_const_splat(15));
      second[v] = wasm_i8x16_add(second[v], upper);
    });
  }

  v128_t first(int v) const {
    const v128_t low = wasm_v128_and(second[v], wasm_i8x16_const_splat(15));
    return wasm_i8x16_sub(all[v], wasm_i16x8_shl(low, 4));
  }
};

// What differs between two windows and V registers of filters, in at most 65535 bits.
template <int V>
struct PairCounts {
  v128_t counts[2][V][2];  // of 16 bits, by the window and the half of a register

  [[gnu::noinline]] void count(const Table* tables, const uint8_t* weights, intptr_t step,
                               int lookups) {
    constexpr int kMost = 63;  // that a byte can count
    v128_t sums[2][V][2];
    repeat<V>([&](int v) {
      repeat<2>([&](int i) { sums[i][v][0] = sums[i][v][1] = wasm_i16x8_const_splat(0); });
    });
    while (lookups > 0) {
      const int some = lookups < kMost ? lookups : kMost;
      lookups -= some;
      ByteCounts<V> bytes;
      int left = some;
#pragma GCC unroll 1
      for (; left >= 3; left -= 3, tables += 3, weights += 3 * kFilterLanes) {
        bytes.template add<3>(tables, weights, step);
      }
#pragma GCC unroll 1
      for (; left > 0; --left, ++tables, weights += kFilterLanes) {
        bytes.template add<1>(tables, weights, step);
      }
      repeat<V>([&](int v) {
        widen(bytes.first(v), sums[0][v]);
        widen(bytes.second[v], sums[1][v]);
      });
    }
    repeat<V>([&](int v) {
      repeat<2>(
          [&](int i) { repeat<2>([&](int half) { counts[i][v][half] = sums[i][v][half]; }); });
    });
  }

  [[gnu::always_inline]] typename Vec::Totals total(int window, int v, int half) const {
    const v128_t of = counts[window][v][half];
    return {{wasm_u32x4_extend_low_u16x8(of), wasm_u32x4_extend_high_u16x8(of)}};
  }

 private:
  [[gnu::always_inline]] static void widen(v128_t bytes, v128_t (&sums)[2]) {
    sums[0] = wasm_i16x8_add(sums[0], wasm_u16x8_extend_low_u8x16(bytes));
    sums[1] = wasm_i16x8_add(sums[1], wasm_u16x8_extend_high_u8x16(bytes));
  }
};

// Some windows, in pairs whose tables are found once for all filters, a piece at a time; one piece
// is all of a 3×3 convolution of 512 channels. A last window without a partner is its own.
class WindowPairs {
 public:
  static constexpr int kMost = 8;

  WindowPairs(const BinaryDotArgs& args, int first, int windows) : args_(args) {
    for (int window = 0; window < windows; window += 2, ++count_) {
      numbers_[count_][0] = first + window;
      numbers_[count_][1] = first + (window + 1 < windows ? window + 1 : window);
      if (args.singles <= kPiece) find_tables(count_, 0, args.singles);
    }
  }

  // Hands the sinks what differs between all windows and V registers of filters.
  template <int V, typename Sinks>
  [[gnu::always_inline]] void take(const uint8_t* weights, int64_t filter, const Sinks& sinks) {
    const intptr_t step = intptr_t{args_.singles} * kWordLookups * kFilterLanes;
    for (int pair = 0; pair < count_; ++pair) {
      typename Vec::Totals totals[2][V][2];
      for (int begin = 0; begin == 0 || begin < args_.singles; begin += kPiece) {
        const int left = args_.singles - begin, piece = left < kPiece ? left : kPiece;
        if (args_.singles > kPiece) find_tables(pair, begin, begin + piece);
        PairCounts<V> counts;
        counts.count(tables_[pair], weights + intptr_t{begin} * kWordLookups * kFilterLanes, step,
                     piece * kWordLookups);
        each<V>([&](int window, int v, int half) {
          const typename Vec::Totals some = counts.total(window, v, half);
          typename Vec::Totals& all = totals[window][v][half];
          all = begin == 0 ? some : Vec::add_totals(all, some);
        });
      }
      const auto& numbers = numbers_[pair];
      each<V>([&](int window, int v, int half) {
        if (window == 1 && numbers[1] == numbers[0]) return;
        const auto sink = sinks.of(filter + kFilterLanes * v + Vec::kWordLanes * half);
        sink.take(numbers[window], args_.base[numbers[window]], totals[window][v][half]);
      });
    }
  }

 private:
  static constexpr int kPiece = 144;  // words

  template <int V, typename Function>
  [[gnu::always_inline]] static void each(Function function) {
    repeat<V>([&](int v) {
      repeat<2>([&](int half) { repeat<2>([&](int window) { function(window, v, half); }); });
    });
  }

  // For each word first the lower four bits of its bytes, then the upper ones.
  void find_tables(int pair, int begin, int end) {
    constexpr uint32_t kLower = 0x0f0f0f0f;
    const uint8_t* const first = args_.windows[numbers_[pair][0]];
    const uint8_t* const second = args_.windows[numbers_[pair][1]];
    Table* to = tables_[pair];
    for (int word = begin; word < end; ++word, to += kWordLookups) {
      uint32_t a, b;
      __builtin_memcpy(&a, first + args_.offsets[word], sizeof a);
      __builtin_memcpy(&b, second + args_.offsets[word], sizeof b);
      const uint32_t lower = (a & kLower) | (b & kLower) << 4;
      const uint32_t upper = (a >> 4 & kLower) | (b & ~kLower);
      const v128_t both = wasm_u16x8_extend_low_u8x16(wasm_i32x4_make(lower, upper, 0, 0));
      const v128_t bytes = wasm_i16x8_shl(both, 4);
      const v128_t tables = wasm_i32x4_splat(reinterpret_cast<intptr_t>(kDifferences.of));
      wasm_v128_store(to, wasm_i32x4_add(tables, wasm_u32x4_extend_low_u16x8(bytes)));
      wasm_v128_store(to + 4, wasm_i32x4_add(tables, wasm_u32x4_extend_high_u16x8(bytes)));
    }
  }

  const BinaryDotArgs& args_;
  int count_ = 0;
  int numbers_[kMost][2];
  Table tables_[kMost][kWordLookups * kPiece];
};

// Two registers of filters at a time.
template <typename Sinks>
inline void dot_windows(const BinaryDotArgs& shared, const Sinks& sinks) {
  const BinaryDotArgs args = shared;  // a copy that no store can alias
  constexpr int kMost = 2 * WindowPairs::kMost;
  const int64_t register_bytes = int64_t{args.singles} * kWordLookups * kFilterLanes;
  for (int first = 0; first < args.pixels; first += kMost) {
    const int left = args.pixels - first;
    WindowPairs windows(args, first, left < kMost ? left : kMost);
    const auto* weights = reinterpret_cast<const uint8_t*>(args.weights);
    int64_t filter = 0;
    for (; filter + kFilterLanes < args.filters; filter += 2 * kFilterLanes) {
      windows.take<2>(weights, filter, sinks);
      weights += 2 * register_bytes;
    }
    if (filter < args.filters) windows.take<1>(weights, filter, sinks);
  }
}
