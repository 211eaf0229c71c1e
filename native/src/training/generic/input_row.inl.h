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
    add_products(sums);
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

  [[gnu::always_inline]] void add_products(typename Steps::Sums (&sums)[P][V]) const {
    const uint8_t* pixels[P + T - 1];
#pragma GCC unroll 16
    for (int q = 0; q < P + T - 1; ++q) pixels[q] = args.grad + (first + q) * args.pixel_bytes;
    for (int64_t row = 0; row < args.rows; ++row) {
      const int64_t begin = row * args.row_bytes;
      add_row(pixels, args.weights + row * args.weight_row_bytes, begin, begin + 4 * args.units,
              sums);
    }
  }

  // Units at [begin, end) bytes from the pixels.
  [[gnu::always_inline]] static void add_row(const uint8_t* const (&pixels)[P + T - 1],
                                             const uint8_t* weights, int64_t begin, int64_t end,
                                             typename Steps::Sums (&sums)[P][V]) {
    for (int64_t at = begin; at < end; at += 4) {
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

template <int T, int V, int P>
inline void run_tile(const InputRowArgs& args, int first, int pixels) {
  if (pixels == P) {
    InputTile<T, P, V>{args, first}.run();
  } else if constexpr (P > 1) {
    run_tile<T, V, P - 1>(args, first, pixels);
  }
}

// Tiles of at most kMost pixels, of nearly equal size: 14 pixels are 7 + 7, not 8 + 4 + 2.
template <int T, int V, int kMost>
inline void run_pixels(const InputRowArgs& args) {
  const int tiles = (args.pixels + kMost - 1) / kMost;
  for (int tile = 0; tile < tiles; ++tile) {
    const int begin = static_cast<int>(int64_t{args.pixels} * tile / tiles);
    const int end = static_cast<int>(int64_t{args.pixels} * (tile + 1) / tiles);
    run_tile<T, V, kMost>(args, begin, end - begin);
  }
}

template <int T>
inline void run_taps(const InputRowArgs& args) {
  if (args.vectors == 1) {
    run_pixels<T, 1, 8>(args);
  } else if (args.vectors == 2) {
    run_pixels<T, 2, 4 * Steps::kVectors>(args);
  } else if constexpr (Steps::kVectors == 2) {
    run_pixels<T, 4, 4>(args);
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
