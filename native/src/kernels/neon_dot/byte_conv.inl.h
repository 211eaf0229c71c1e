// The convolution of pixels as bytes, by the dot product: see RealConvArgs. A tile is one vector of
// sixteen filters.

// The sums of P windows, of the upper and of the lower bytes of weights.
template <int P>
struct ByteSums {
  static constexpr int kParts = Vec::kRegisters;
  int32x4_t upper[P][kParts], lower[P][kParts];

  // One step, of which every window's bytes lie in its lane.
  template <int kLane>
  [[gnu::always_inline]] void add(const int8x16_t (&x)[P], const int8_t* weights) {
    add_to<kLane>(upper, x, weights);
    add_to<kLane>(lower, x, weights + Vec::kBytes);
  }

 private:
  template <int kLane>
  [[gnu::always_inline]] static void add_to(int32x4_t (&sums)[P][kParts], const int8x16_t (&x)[P],
                                            const int8_t* weights) {
#pragma GCC unroll 4
    for (int i = 0; i < kParts; ++i) {
      const int8x16_t w = vld1q_s8(weights + 16 * i);
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) sums[p][i] = vdotq_laneq_s32(sums[p][i], w, x[p], kLane);
    }
  }
};

// P windows from number `first` on.
template <int P>
inline void sum_bytes(const RealConvArgs& args, const int8_t* weights, int first, int32_t* sums) {
  constexpr int kParts = Vec::kRegisters, kStep = 2 * Vec::kBytes;
  ByteSums<P> bytes;
  const uint8_t* windows[P];
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) {
    windows[p] = args.window[first + p] + args.window_shift + args.tracks->shift;
#pragma GCC unroll 4
    for (int i = 0; i < kParts; ++i) {
      bytes.upper[p][i] = vdupq_n_s32(0);
      bytes.lower[p][i] = vld1q_s32(reinterpret_cast<const int32_t*>(weights) + 4 * i);
    }
  }
  weights += Vec::kBytes;
  for (int segment = 0; segment < args.segments; ++segment) {
    int64_t at = args.offsets[segment];
    int8x16_t x[P];
    const auto load = [&] {
#pragma GCC unroll 4
      for (int p = 0; p < P; ++p) {
        x[p] = vld1q_s8(reinterpret_cast<const int8_t*>(windows[p]) + at);
      }
    };
    int steps = args.tracks->steps;
    for (; steps >= 4; steps -= 4, at += 16, weights += 4 * kStep) {
      load();
      bytes.template add<0>(x, weights);
      bytes.template add<1>(x, weights + kStep);
      bytes.template add<2>(x, weights + 2 * kStep);
      bytes.template add<3>(x, weights + 3 * kStep);
    }
    if (steps == 0) continue;
    load();
    bytes.template add<0>(x, weights);
    if (steps > 1) bytes.template add<1>(x, weights + kStep);
    if (steps > 2) bytes.template add<2>(x, weights + 2 * kStep);
    weights += kStep * steps;
  }
#pragma GCC unroll 4
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
    for (int i = 0; i < kParts; ++i) {
      const int32x4_t sum = vaddq_s32(vshlq_n_s32(bytes.upper[p][i], 8), bytes.lower[p][i]);
      vst1q_s32(sums + (first + p) * args.sums_step + 4 * i, sum);
    }
  }
}

void byte_conv(const RealConvArgs& args) {
  constexpr int kMostWindows = 3;  // 24 sums, 3 windows, 4 weights
  const auto* weights = static_cast<const int8_t*>(args.weights);
  auto* sums = static_cast<int32_t*>(args.sums);
  for (int filter = 0; filter < args.filters; filter += Vec::kFloatLanes) {
    for_window_tiles<kMostWindows>(args.windows, [&](auto count, int first) {
      sum_bytes<decltype(count)::value>(args, weights, first, sums);
    });
    weights += args.steps * Vec::kBytes;
    sums += Vec::kFloatLanes;
  }
}
