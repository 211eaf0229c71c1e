// Real convolutions for NEON whose steps multiply by lane: see RealConvArgs. Four steps of a window
// are loaded at once. A tile is one vector of sixteen filters.

// A vector of weights, from which on `weights` moves to the next. The compiler is not told that
// this reads memory, as it would store all sums before; nothing here writes weights.
[[gnu::always_inline]] inline typename Vec::Bytes next_weights(const uint8_t*& weights) {
  register uint8x16_t w0 asm("v28");
  register uint8x16_t w1 asm("v29");
  register uint8x16_t w2 asm("v30");
  register uint8x16_t w3 asm("v31");
  asm("ld1 {v28.16b, v29.16b, v30.16b, v31.16b}, [%4], 64"
      : "=w"(w0), "=w"(w1), "=w"(w2), "=w"(w3), "+r"(weights));
  return {{w0, w1, w2, w3}};
}

// What the steps of real_conv do to the sums of P windows.
template <int P>
struct FloatLanes {
  using Window = float32x4_t;
  static constexpr bool kReadsOn = false;  // behind a window

  float32x4_t sums[P][Vec::kRegisters];

  [[gnu::always_inline]] void start(const uint8_t*&) {
#pragma GCC unroll 5
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
      for (int i = 0; i < Vec::kRegisters; ++i) sums[p][i] = vdupq_n_f32(0.0f);
    }
  }
  template <int kSteps>
  [[gnu::always_inline]] static Window load(const uint8_t* p) {
    const auto* const values = reinterpret_cast<const float*>(p);
    return kSteps == 1 ? vld1q_dup_f32(values) : vld1q_f32(values);
  }
  template <int kLane>
  [[gnu::always_inline]] void add(const Window (&x)[P], const uint8_t*& weights) {
    const typename Vec::Bytes bytes = next_weights(weights);
#pragma GCC unroll 4
    for (int i = 0; i < Vec::kRegisters; ++i) {
      const float32x4_t w = vreinterpretq_f32_u8(bytes.part[i]);
#pragma GCC unroll 5
      for (int p = 0; p < P; ++p) sums[p][i] = vfmaq_laneq_f32(sums[p][i], w, x[p], kLane);
    }
  }
  [[gnu::always_inline]] void store(int p, int32_t* to) const {
#pragma GCC unroll 4
    for (int i = 0; i < Vec::kRegisters; ++i) {
      vst1q_s32(to + 4 * i, vreinterpretq_s32_f32(sums[p][i]));
    }
  }
};

template <template <int> typename Lanes, int P>
struct LaneTile {
  using Sums = Lanes<P>;

  const uint8_t* windows[P];
  Sums sums;

  // kSteps steps, `at` bytes into each window, and on to the weights behind theirs.
  template <int kSteps>
  [[gnu::always_inline]] void add(int64_t at, const uint8_t*& weights) {
    typename Sums::Window x[P];
#pragma GCC unroll 5
    for (int p = 0; p < P; ++p) x[p] = Sums::template load<kSteps>(windows[p] + at);
    sums.template add<0>(x, weights);
    if constexpr (kSteps > 1) sums.template add<1>(x, weights);
    if constexpr (kSteps > 2) sums.template add<2>(x, weights);
    if constexpr (kSteps > 3) sums.template add<3>(x, weights);
  }

  [[gnu::always_inline]] void add_segment(int64_t at, int steps, const uint8_t*& weights) {
    for (; steps >= 4; steps -= 4, at += 16) add<4>(at, weights);
    if constexpr (Sums::kReadsOn) {
      if (steps == 3) {
        add<3>(at, weights);
      } else if (steps == 2) {
        add<2>(at, weights);
      } else if (steps == 1) {
        add<1>(at, weights);
      }
    } else {
      for (; steps > 0; --steps, at += 4) add<1>(at, weights);
    }
  }
};

// P windows from number `first` on.
template <template <int> typename Lanes, int P>
inline void sum_lanes(const RealConvArgs& args, const uint8_t* weights, int first, int32_t* sums) {
  LaneTile<Lanes, P> tile;
#pragma GCC unroll 5
  for (int p = 0; p < P; ++p) {
    tile.windows[p] = args.window[first + p] + args.window_shift + args.tracks->shift;
  }
  tile.sums.start(weights);
  for (int segment = 0; segment < args.segments; ++segment) {
    tile.add_segment(args.offsets[segment], args.tracks->steps, weights);
  }
#pragma GCC unroll 5
  for (int p = 0; p < P; ++p) tile.sums.store(p, sums + (first + p) * args.sums_step);
}

template <template <int> typename Lanes, int kMostWindows>
inline void sum_windows_by_lane(const RealConvArgs& args) {
  const auto* weights = static_cast<const uint8_t*>(args.weights);
  auto* sums = static_cast<int32_t*>(args.sums);
  for (int filter = 0; filter < args.filters; filter += Vec::kFloatLanes) {
    for_window_tiles<kMostWindows>(args.windows, [&](auto count, int first) {
      sum_lanes<Lanes, decltype(count)::value>(args, weights, first, sums);
    });
    weights += args.steps * Vec::kBytes;
    sums += Vec::kFloatLanes;
  }
}

void float_conv(const RealConvArgs& args) {
  sum_windows_by_lane<FloatLanes, 5>(args);  // 20 sums, 5 windows, 4 weights
}
