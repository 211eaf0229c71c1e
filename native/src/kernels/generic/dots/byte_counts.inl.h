// Counting the differing bits of P windows where no instruction counts those of a word: a byte's
// count is two table look-ups and what goes with them, so words are added up as bits first.
//
// Full adders turn three words of one weight into a sum of that weight and a carry of twice the
// weight, for less than a look-up. The words of six triples come down to five that way.
#include "kernels/generic/dots/triple.inl.h"

constexpr bool kByteCounts = true;
constexpr int kGroupTriples = 6;
constexpr int kMaxSingles = 255 / 8;  // what a byte can count, 8 per word

struct Bits {
  typename Vec::Words sum, carry;
};

// a + b + c = sum + 2·carry, bit by bit.
inline Bits add_bits(typename Vec::Words a, typename Vec::Words b, typename Vec::Words c) {
  return {Vec::xor_three(a, b, c), Vec::majority_of(a, b, c)};
}

inline Bits add_bits(typename Vec::Words a, typename Vec::Words b) {
  return {Vec::xor_words(a, b), Vec::and_words(a, b)};
}

// Three triples from number `first` on: bits of weight 1, 2 (two of them) and 4.
struct HalfGroup {
  Bits ones, twos;
};

inline HalfGroup count_half(const BinaryDotArgs& args, const uint8_t* window,
                            const uint32_t* weights, int64_t first) {
  const Triple a = differing_triple(args, window, weights, first);
  const Triple b = differing_triple(args, window, weights, first + 1);
  const Triple c = differing_triple(args, window, weights, first + 2);
  return {add_bits(a.sum, b.sum, c.sum), add_bits(a.carry, b.carry, c.carry)};
}

// The counts of six triples, at most 6·3·8 per byte.
inline typename Vec::Counts count_group(const BinaryDotArgs& args, const uint8_t* window,
                                        const uint32_t* weights, int64_t first) {
  const HalfGroup a = count_half(args, window, weights, first);
  const HalfGroup b = count_half(args, window, weights, first + 3);
  const Bits ones = add_bits(a.ones.sum, b.ones.sum);
  const Bits twos0 = add_bits(a.ones.carry, a.twos.sum, b.ones.carry);
  const Bits twos = add_bits(twos0.sum, b.twos.sum, ones.carry);
  const Bits fours0 = add_bits(a.twos.carry, b.twos.carry, twos0.carry);
  const Bits fours = add_bits(fours0.sum, twos.carry);
  typename Vec::Counts counts = Vec::template count<1>(ones.sum);
  counts = Vec::add_counts(counts, Vec::template count<2>(twos.sum));
  counts = Vec::add_counts(counts, Vec::template count<4>(fours.sum));
  counts = Vec::add_counts(counts, Vec::template count<8>(fours.carry));
  return Vec::add_counts(counts, Vec::template count<8>(fours0.carry));
}

// The counts of three triples, at most 3·3·8 per byte.
inline typename Vec::Counts count_bits(const HalfGroup& half) {
  return Vec::add_counts(Vec::add_counts(Vec::template count<1>(half.ones.sum),
                                         Vec::template count<2>(half.ones.carry)),
                         Vec::add_counts(Vec::template count<2>(half.twos.sum),
                                         Vec::template count<4>(half.twos.carry)));
}

template <int P>
inline void count_windows(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                          const uint32_t* weights, const uint32_t* singles,
                          typename Vec::Totals (&totals)[P]) {
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) totals[p] = Vec::no_totals();
  int triple = 0;
  for (; triple + kGroupTriples <= args.triples; triple += kGroupTriples) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      totals[p] = Vec::add_to_totals(totals[p], count_group(args, windows[p], weights, triple));
    }
  }
  if (triple + kGroupTriples / 2 <= args.triples) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      totals[p] =
          Vec::add_to_totals(totals[p], count_bits(count_half(args, windows[p], weights, triple)));
    }
    triple += kGroupTriples / 2;
  }
  if (triple < args.triples) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      typename Vec::Counts counts = Vec::no_counts();
      for (int i = triple; i < args.triples; ++i) {
        const Triple differing = differing_triple(args, windows[p], weights, i);
        counts = Vec::add_counts(counts, Vec::template count<1>(differing.sum));
        counts = Vec::add_counts(counts, Vec::template count<2>(differing.carry));
      }
      totals[p] = Vec::add_to_totals(totals[p], counts);
    }
  }
  for (int begin = 0; begin < args.singles; begin += kMaxSingles) {
    const int end = args.singles - begin > kMaxSingles ? begin + kMaxSingles : args.singles;
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      typename Vec::Counts counts = Vec::no_counts();
      for (int word = begin; word < end; ++word) {
        const typename Vec::Words differing =
            differing_at(windows[p], args.offsets[args.triples + word],
                         singles + static_cast<int64_t>(word) * Vec::kWordLanes);
        counts = Vec::add_counts(counts, Vec::template count<1>(differing));
      }
      totals[p] = Vec::add_to_totals(totals[p], counts);
    }
  }
}

#include "kernels/generic/dots/dot_windows.inl.h"
