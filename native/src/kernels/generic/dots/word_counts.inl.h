// Counting the differing bits of P windows where one instruction counts those of a word.
#include "kernels/generic/dots/triple.inl.h"

constexpr bool kByteCounts = false;  // a count is as wide as a total

template <int P>
inline void count_windows(const BinaryDotArgs& args, const uint8_t* const (&windows)[P],
                          const uint32_t* triples, const uint32_t* singles,
                          typename Vec::Totals (&totals)[P]) {
  typename Vec::Counts once[P], twice[P];
  if (args.triples > 0) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const Triple differing = differing_triple(args, windows[p], triples, 0);
      once[p] = Vec::template count<1>(differing.sum);
      twice[p] = Vec::template count<1>(differing.carry);
    }
    for (int triple = 1; triple < args.triples; ++triple) {
      const uint32_t* const step = triples + static_cast<int64_t>(triple) * 3 * Vec::kWordLanes;
      const typename Vec::Words w0 = Vec::load_words(step);
      const typename Vec::Words w1 = Vec::load_words(step + Vec::kWordLanes);
      const typename Vec::Words ws = Vec::load_words(step + 2 * Vec::kWordLanes);
      const int64_t first = args.offsets[triple];
      const int64_t second = first + args.second, third = first + args.triple_xor;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const typename Vec::Words x0 = Vec::xor_words(signs_at(windows[p], first), w0);
        const typename Vec::Words x1 = Vec::xor_words(signs_at(windows[p], second), w1);
        const typename Vec::Words sum = Vec::xor_words(signs_at(windows[p], third), ws);
        once[p] = Vec::add_counts(once[p], Vec::template count<1>(sum));
        twice[p] = Vec::add_counts(twice[p], Vec::template count<1>(Vec::majority(x0, x1, sum)));
      }
    }
  } else {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) once[p] = twice[p] = Vec::no_counts();
  }
  for (int word = 0; word < args.singles; ++word) {
    const int64_t offset = args.offsets[args.triples + word];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const uint32_t* const weights = singles + static_cast<int64_t>(word) * Vec::kWordLanes;
      once[p] = Vec::add_counts(once[p],
                                Vec::template count<1>(differing_at(windows[p], offset, weights)));
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    const typename Vec::Totals doubled = Vec::add_to_totals(twice[p], twice[p]);
    totals[p] = Vec::add_to_totals(doubled, once[p]);
  }
}

#include "kernels/generic/dots/dot_windows.inl.h"
