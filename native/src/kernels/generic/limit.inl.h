// What one core can do at most with the vocabulary `Vec`: loops over registers alone, no memory.
//
// Every chain depends on itself alone, and there are as many as a kernel's tile has, so that
// throughput counts and latency does not. The results go to the caller: nothing can be left out.

// count += bits of x ^ w: the plain dot of signs, 1 xor, 1 count and 1 addition per word.
int64_t binary_limit(int64_t rounds, int32_t* counts) {
  constexpr int kChains = Vec::kDotPixels;
  constexpr int kSteps = 24;  // of at most 8 bits per byte, so that a byte holds them
  alignas(64) uint32_t seeds[kChains + 1][Vec::kWordLanes];
  uint32_t seed = 1;
  for (auto& row : seeds) {
    for (uint32_t& word : row) word = seed = seed * 1664525u + 1013904223u;
  }
  typename Vec::Words weight = Vec::load_words(seeds[kChains]);
  typename Vec::Words signs[kChains];
  typename Vec::Counts sums[kChains];
  typename Vec::Totals total = Vec::no_totals();
#pragma GCC unroll 16
  for (int chain = 0; chain < kChains; ++chain) {
    signs[chain] = Vec::load_words(seeds[chain]);
    sums[chain] = Vec::no_counts();
  }
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 1
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 16
      for (int chain = 0; chain < kChains; ++chain) {
        const typename Vec::Words differing = Vec::xor_words(signs[chain], weight);
        sums[chain] = Vec::add_counts(sums[chain], Vec::template count<1>(differing));
      }
      Vec::forget(weight);
    }
    if constexpr (kByteCounts) {
#pragma GCC unroll 16
      for (int chain = 0; chain < kChains; ++chain) {
        total = Vec::add_to_totals(total, sums[chain]);
        sums[chain] = Vec::no_counts();
      }
    }
  }
#pragma GCC unroll 16
  for (int chain = 0; chain < kChains; ++chain) total = Vec::add_to_totals(total, sums[chain]);
  const int32_t base[Vec::kWordLanes] = {};
  Vec::store_dots(counts, base, total);
  return rounds * kSteps * kChains * Vec::kWordLanes * 32;
}

// sum = x · w + sum, fused.
int64_t real_limit(int64_t rounds, float* sums) {
  constexpr int kChains = Vec::kSumPixels, kSteps = 8;
  typename Vec::Floats chains[kChains];
  const typename Vec::Floats x = Vec::set(sums[0]), w = Vec::set(sums[1]);
#pragma GCC unroll 32
  for (int chain = 0; chain < kChains; ++chain) {
    chains[chain] = Vec::set(static_cast<float>(chain));
  }
  for (int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 1
    for (int step = 0; step < kSteps; ++step) {
#pragma GCC unroll 32
      for (int chain = 0; chain < kChains; ++chain) chains[chain] = Vec::fma(x, w, chains[chain]);
    }
  }
  typename Vec::Floats total = chains[0];
#pragma GCC unroll 32
  for (int chain = 1; chain < kChains; ++chain) total = Vec::add(total, chains[chain]);
  Vec::store(sums, total);
  return rounds * kSteps * kChains * Vec::kFloatLanes;
}
