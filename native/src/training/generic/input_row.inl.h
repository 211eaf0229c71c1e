// The input's gradient over the vocabulary `Steps`: register tiles of P pixels and V vectors.
//
// A unit of the gradient is broadcast once for all T taps that it meets: P + T - 1 broadcasts and
// T·V loads of weights make P·T·V multiply-adds, so that loads never hold up the multiplications.

template <int T, int P, int V>
struct InputTile {
  static constexpr int kVectorBytes = 4 * Steps::kLanes;

  const InputRowArgs& args;
  int first;

  float* result(int p, int v) const {
    return args.result + (first + p) * args.result_step + v * Steps::kLanes;
  }
  // All lanes of a vector but the last exist.
  int missing() const { return V * Steps::kLanes - args.channels; }

  [[gnu::always_inline]] void run() const {
    typename Steps::Sums sums[P][V];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sums[p][v] = Steps::none();
    }
    for (int segment = 0; segment < args.segments; ++segment) add_segment(segment, sums);
    if (args.accumulate) add_result(sums);
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        if (v < V - 1 || missing() == 0) {
          Steps::store(result(p, v), sums[p][v]);
        } else {
          Steps::store_first(result(p, v), sums[p][v], Steps::kLanes - missing());
        }
      }
    }
  }

  [[gnu::always_inline]] void add_segment(int segment, typename Steps::Sums (&sums)[P][V]) const {
    const uint8_t* pixels[P + T - 1];
#pragma GCC unroll 16
    for (int q = 0; q < P + T - 1; ++q) {
      pixels[q] = args.grad[segment] + (first + q) * args.pixel_bytes;
    }
    const uint8_t* weights = args.weights[segment];
    for (int64_t at = 0; at < 4 * args.units; at += 4) {
      typename Steps::Units weight[T][V];
#pragma GCC unroll 4
      for (int t = 0; t < T; ++t) {
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          weight[t][v] = Steps::load_units(weights + (t * V + v) * kVectorBytes);
        }
      }
      weights += T * V * kVectorBytes;
#pragma GCC unroll 16
      for (int q = 0; q < P + T - 1; ++q) {
        const typename Steps::Units x = Steps::broadcast(pixels[q] + at);
#pragma GCC unroll 4
        for (int t = 0; t < T; ++t) {
          const int p = q - t;
          if (p < 0 || p >= P) continue;
#pragma GCC unroll 4
          for (int v = 0; v < V; ++v) sums[p][v] = Steps::add(sums[p][v], x, weight[t][v]);
        }
      }
    }
  }

  [[gnu::always_inline]] void add_result(typename Steps::Sums (&sums)[P][V]) const {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        const bool whole = v < V - 1 || missing() == 0;
        sums[p][v] = Steps::plus(
            sums[p][v], whole ? Steps::load(result(p, v))
                              : Steps::load_first(result(p, v), Steps::kLanes - missing()));
      }
    }
  }
};

// As many tiles of P pixels as fit, then smaller ones for the rest of the row.
template <int T, int V, int P>
inline void run_pixels(const InputRowArgs& args, int first) {
  for (; first + P <= args.pixels; first += P) InputTile<T, P, V>{args, first}.run();
  if constexpr (P > 1) run_pixels<T, V, P / 2>(args, first);
}

template <int T>
inline void run_taps(const InputRowArgs& args) {
  constexpr int kSums = 8 * Steps::kVectors;
  if (args.vectors == 1) {
    run_pixels<T, 1, 8>(args, 0);
  } else if (args.vectors == 2) {
    run_pixels<T, 2, kSums / 2 < 8 ? kSums / 2 : 8>(args, 0);
  } else if constexpr (Steps::kVectors == 2) {
    run_pixels<T, 4, kSums / 4>(args, 0);
  }
}

void input_row(const InputRowArgs& args) {
  if (args.taps == 3) {
    run_taps<3>(args);
  } else if (args.taps == 2) {
    run_taps<2>(args);
  } else {
    run_taps<1>(args);
  }
}
