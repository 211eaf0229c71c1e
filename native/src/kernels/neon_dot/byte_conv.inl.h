// The convolution of pixels as bytes, by the dot product: see RealConvArgs.

// What its steps do to the sums of P windows, of the upper and of the lower bytes of weights.
template <int P>
struct ByteLanes {
  using Window = int8x16_t;
  static constexpr bool kReadsOn = true;

  int32x4_t upper[P][Vec::kRegisters], lower[P][Vec::kRegisters];

  [[gnu::always_inline]] void start(const uint8_t*& weights) {
    const typename Vec::Bytes first = next_weights(weights);
#pragma GCC unroll 3
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
      for (int i = 0; i < Vec::kRegisters; ++i) {
        upper[p][i] = vdupq_n_s32(0);
        lower[p][i] = vreinterpretq_s32_u8(first.part[i]);
      }
    }
  }
  template <int>
  [[gnu::always_inline]] static Window load(const uint8_t* p) {
    return vld1q_s8(reinterpret_cast<const int8_t*>(p));
  }
  template <int kLane>
  [[gnu::always_inline]] void add(const Window (&x)[P], const uint8_t*& weights) {
    add_to<kLane>(upper, x, weights);
    add_to<kLane>(lower, x, weights);
  }
  [[gnu::always_inline]] void store(int p, int32_t* to) const {
#pragma GCC unroll 4
    for (int i = 0; i < Vec::kRegisters; ++i) {
      vst1q_s32(to + 4 * i, vaddq_s32(vshlq_n_s32(upper[p][i], 8), lower[p][i]));
    }
  }

 private:
  template <int kLane>
  [[gnu::always_inline]] static void add_to(int32x4_t (&sums)[P][Vec::kRegisters],
                                            const Window (&x)[P], const uint8_t*& weights) {
    const typename Vec::Bytes bytes = next_weights(weights);
#pragma GCC unroll 4
    for (int i = 0; i < Vec::kRegisters; ++i) {
      const int8x16_t w = vreinterpretq_s8_u8(bytes.part[i]);
#pragma GCC unroll 3
      for (int p = 0; p < P; ++p) sums[p][i] = vdotq_laneq_s32(sums[p][i], w, x[p], kLane);
    }
  }
};

void byte_conv(const RealConvArgs& args) {
  sum_windows_by_lane<ByteLanes, 3>(args);  // 24 sums, 3 windows, 4 weights
}
