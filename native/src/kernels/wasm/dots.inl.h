// Binary dots for SIMD128, in place of generic/dots/dot_windows.inl.h; see BinaryDotArgs.
//
// Beside a triple's first word a0 lie p = a0 ^ a1 and s = a0 ^ a1 ^ a2, and its weights are w0,
// w0 ^ w1 and ~(w0 ^ w1 ^ w2). With x0, x1, x2 the differing bits of the three words, three xors
// yield x0, x0 ^ x1 and n = ~(x0 ^ x1 ^ x2). The majority m is x0 where x0 = x1, else x2, which is
// n there: one bit select. As x0 + x1 + x2 = (1 - n) + 2·m, what differs in T triples is
// 32·T - bits(n) + 2·bits(m), summed over them.
//
// Counting a register's bits is one instruction of WebAssembly, but eight of x86-64. So full adders
// first make fewer words of a group's: of 12 words of n four of weights 1, 2, 4 and 8, and so of m.

constexpr bool kByteCounts = true;
constexpr bool kSideBySide = true;

// Of three words of one weight the sums, of that weight, and the carries, of twice the weight.
struct Added {
  v128_t sum, carry;
};

[[gnu::always_inline]] inline Added add_bits(v128_t a, v128_t b, v128_t c) {
  const v128_t differ = wasm_v128_xor(a, b);
  return {wasm_v128_xor(differ, c), wasm_v128_bitselect(c, a, differ)};
}

[[gnu::always_inline]] inline Added add_bits(v128_t a, v128_t b) {
  return {wasm_v128_xor(a, b), wasm_v128_and(a, b)};
}

// A number for each bit of a register, in words of weights 1, 2, 4, ….
template <int kWords>
struct Planes {
  v128_t word[kWords];
};

[[gnu::always_inline]] inline Planes<2> add_three(v128_t a, v128_t b, v128_t c) {
  const Added added = add_bits(a, b, c);
  return {{added.sum, added.carry}};
}

// The sums of two numbers for each bit.
[[gnu::always_inline]] inline Planes<3> add_planes(const Planes<2>& a, const Planes<2>& b) {
  const Added ones = add_bits(a.word[0], b.word[0]);
  const Added twos = add_bits(a.word[1], b.word[1], ones.carry);
  return {{ones.sum, twos.sum, twos.carry}};
}

[[gnu::always_inline]] inline Planes<4> add_planes(const Planes<3>& a, const Planes<3>& b) {
  const Added ones = add_bits(a.word[0], b.word[0]);
  const Added twos = add_bits(a.word[1], b.word[1], ones.carry);
  const Added fours = add_bits(a.word[2], b.word[2], twos.carry);
  return {{ones.sum, twos.sum, fours.sum, fours.carry}};
}

// Each byte's numbers added up, at most 12 of 8.
template <int kWords>
[[gnu::always_inline]] inline v128_t count_bytes(const Planes<kWords>& planes) {
  v128_t counts = wasm_i8x16_popcnt(planes.word[kWords - 1]);
#pragma GCC unroll 4
  for (int i = kWords - 2; i >= 0; --i) {
    counts = wasm_i8x16_add(wasm_i8x16_add(counts, counts), wasm_i8x16_popcnt(planes.word[i]));
  }
  return counts;
}

// n and m of one triple, or numbers of them.
template <typename Bits>
struct Both {
  Bits n, m;
};

template <int kWords>
[[gnu::always_inline]] inline v128_t add_both(v128_t totals, const Both<Planes<kWords>>& both) {
  const v128_t n = count_bytes(both.n), m = count_bytes(both.m);
  v128_t pairs;
  if constexpr (kWords <= 3) {
    pairs = wasm_i16x8_extadd_pairwise_i8x16(wasm_i8x16_sub(wasm_i8x16_add(m, m), n));
  } else {
    // Of 12 triples 2·m - n is too large for a byte.
    pairs = wasm_i16x8_add(wasm_i16x8_extadd_pairwise_i8x16(m),
                           wasm_i16x8_extadd_pairwise_i8x16(wasm_i8x16_sub(m, n)));
  }
  return wasm_i32x4_add(totals, wasm_i32x4_extadd_pairwise_i16x8(pairs));
}

// Triples of a window as the filters of one register meet them. `signs` have three registers for
// each, every lane alike.
struct TripleDots {
  const v128_t* signs;
  const uint32_t* weights;  // of the first step

  [[gnu::always_inline]] Both<v128_t> one(int number) const {
    const v128_t* const at = signs + 3 * number;
    const uint32_t* const step = weights + 3 * Vec::kWordLanes * number;
    const v128_t x0 = wasm_v128_xor(at[0], wasm_v128_load(step));
    const v128_t differ = wasm_v128_xor(at[1], wasm_v128_load(step + Vec::kWordLanes));
    const v128_t n = wasm_v128_xor(at[2], wasm_v128_load(step + 2 * Vec::kWordLanes));
    return {n, wasm_v128_bitselect(n, x0, differ)};
  }
  [[gnu::always_inline]] Both<Planes<2>> three(int first) const {
    const Both<v128_t> a = one(first), b = one(first + 1), c = one(first + 2);
    return {add_three(a.n, b.n, c.n), add_three(a.m, b.m, c.m)};
  }
  [[gnu::always_inline]] Both<Planes<3>> six(int first) const {
    const Both<Planes<2>> a = three(first), b = three(first + 3);
    return {add_planes(a.n, b.n), add_planes(a.m, b.m)};
  }
  [[gnu::always_inline]] Both<Planes<4>> twelve() const {
    const Both<Planes<3>> a = six(0), b = six(6);
    return {add_planes(a.n, b.n), add_planes(a.m, b.m)};
  }

  [[gnu::always_inline]] void skip(int triples) {
    signs += 3 * triples;
    weights += 3 * Vec::kWordLanes * triples;
  }

  // What differs in so many triples.
  [[gnu::always_inline]] v128_t count(int triples) {
    v128_t totals = wasm_i32x4_splat(32 * triples);
    int left = triples;
    for (; left >= 12; left -= 12, skip(12)) totals = add_both(totals, twelve());
    if (left >= 6) {
      totals = add_both(totals, six(0));
      skip(6);
      left -= 6;
    }
    if (left >= 3) {
      totals = add_both(totals, three(0));
      skip(3);
      left -= 3;
    }
    for (; left > 0; --left, skip(1)) {
      const Both<v128_t> both = one(0);
      totals = add_both(totals, Both<Planes<1>>{{{both.n}}, {{both.m}}});
    }
    return totals;
  }
};

// A few windows. Their triples' words are laid out in registers once for all filters, a piece at a
// time; one piece is all of a 3×3 convolution of 512 channels.
class Windows {
 public:
  static constexpr int kMost = 4;

  Windows(const BinaryDotArgs& args, int first, int count) : args_(args), first_(first) {
    if (args.triples > kPiece) return;
    for (int p = 0; p < count; ++p) lay_out(p, 0, args.triples);
  }

  // What differs between window p and the filters of one register in all words.
  v128_t count(int p, const uint32_t* weights) {
    if (args_.triples <= kPiece) {
      const v128_t totals = TripleDots{signs_[p], weights}.count(args_.triples);
      return args_.singles > 0 ? wasm_i32x4_add(totals, count_singles(p, weights)) : totals;
    }
    v128_t totals = count_singles(p, weights);
    for (int begin = 0; begin < args_.triples; begin += kPiece) {
      const int left = args_.triples - begin, piece = left < kPiece ? left : kPiece;
      lay_out(p, begin, begin + piece);
      TripleDots dots{signs_[p], weights + int64_t{3} * Vec::kWordLanes * begin};
      totals = wasm_i32x4_add(totals, dots.count(piece));
    }
    return totals;
  }

 private:
  static constexpr int kPiece = 48;  // triples

  void lay_out(int p, int begin, int end) {
    const auto window = reinterpret_cast<uintptr_t>(args_.windows[first_ + p]);
    const uintptr_t triples = 3 * window + static_cast<uintptr_t>(args_.triple_xor);
    v128_t* to = signs_[p];
    for (int triple = begin; triple < end; ++triple, to += 3) {
      const auto* const words = reinterpret_cast<const uint32_t*>(
          triples + 3 * static_cast<uintptr_t>(args_.offsets[triple]));
      for (int word = 0; word < 3; ++word) to[word] = wasm_v128_load32_splat(words + word);
    }
  }

  v128_t count_singles(int p, const uint32_t* weights) const {
    constexpr int kMostWords = 255 / 8;  // that a byte can count
    const auto window = reinterpret_cast<uintptr_t>(args_.windows[first_ + p]);
    const int64_t* const offsets = args_.offsets + args_.triples;
    const uint32_t* step = weights + int64_t{3} * Vec::kWordLanes * args_.triples;
    v128_t totals = wasm_i32x4_const_splat(0);
    for (int begin = 0; begin < args_.singles; begin += kMostWords) {
      const int left = args_.singles - begin;
      const int end = begin + (left < kMostWords ? left : kMostWords);
      v128_t bytes = wasm_i32x4_const_splat(0);
      for (int word = begin; word < end; ++word, step += Vec::kWordLanes) {
        const auto* const signs =
            reinterpret_cast<const uint32_t*>(window + static_cast<uintptr_t>(offsets[word]));
        const v128_t differing = wasm_v128_xor(wasm_v128_load32_splat(signs), wasm_v128_load(step));
        bytes = wasm_i8x16_add(bytes, wasm_i8x16_popcnt(differing));
      }
      const v128_t pairs = wasm_u16x8_extadd_pairwise_u8x16(bytes);
      totals = wasm_i32x4_add(totals, wasm_u32x4_extadd_pairwise_u16x8(pairs));
    }
    return totals;
  }

  const BinaryDotArgs& args_;
  int first_;
  v128_t signs_[kMost][3 * kPiece];
};

// A register at a time: what its adders keep fits into x86-64's sixteen.
template <typename Sinks>
inline void dot_windows(const BinaryDotArgs& shared, const Sinks& sinks) {
  const BinaryDotArgs args = shared;  // a copy that no store can alias
  const int64_t steps = 3 * static_cast<int64_t>(args.triples) + args.singles;
  for (int first = 0; first < args.pixels; first += Windows::kMost) {
    const int left = args.pixels - first, count = left < Windows::kMost ? left : Windows::kMost;
    Windows windows(args, first, count);
    const uint32_t* weights = args.weights;
    for (int64_t filter = 0; filter < args.filters; filter += Vec::kWordLanes) {
      const auto sink = sinks.of(filter);
      for (int p = 0; p < count; ++p) {
        typename Vec::Totals differing;
#pragma GCC unroll 1
        for (int r = 0; r < Vec::kRegisters; ++r) {
          differing.part[r] = windows.count(p, weights + 4 * r);
        }
        sink.take(first + p, args.base[first + p], differing);
      }
      weights += steps * Vec::kWordLanes;
    }
  }
}

void xor_triples(const uint8_t* words, int64_t distance, int64_t bytes, uint8_t* triples) {
  for (int64_t i = 0; i < bytes; i += 16) {
    const v128_t first = wasm_v128_load(words + i);
    const v128_t pair = wasm_v128_xor(first, wasm_v128_load(words + i + distance));
    const v128_t all = wasm_v128_xor(pair, wasm_v128_load(words + i + 2 * distance));
    uint8_t* const to = triples + 3 * i;
    // first0 pair0 all0 first1 | pair1 all1 first2 pair2 | all2 first3 pair3 all3
    const v128_t low = wasm_i32x4_shuffle(first, pair, 0, 4, 1, 5);
    const v128_t high = wasm_i32x4_shuffle(first, pair, 2, 6, 3, 7);
    wasm_v128_store(to, wasm_i32x4_shuffle(low, all, 0, 1, 4, 2));
    wasm_v128_store(to + 16,
                    wasm_i32x4_shuffle(wasm_i32x4_shuffle(low, all, 3, 5, 3, 5), high, 0, 1, 4, 5));
    wasm_v128_store(to + 32, wasm_i32x4_shuffle(high, all, 6, 2, 3, 7));
  }
}
