// The weights' gradient over the vocabulary `Steps`: register tiles of P filters and N vectors of
// signs, whose sums stay in registers over all rows.
//
// A step's P broadcasts and N loads make P·N multiply-adds; both are runs of memory, so that the
// CPU fetches them ahead.

template <int P, int N>
[[gnu::always_inline]] inline void weight_sums(const WeightTileArgs& args) {
  typename Steps::Sums sums[P][N];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) sums[p][n] = Steps::none();
  }
  for (int64_t row = 0; row < args.rows; ++row) {
    const uint8_t* grad = args.grad + args.grad_rows[row];
    const uint8_t* signs[N];
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) signs[n] = args.signs[n] + args.sign_rows[row];
    for (int64_t step = 0, at = 0; step < args.steps; ++step, at += args.sign_step) {
      typename Steps::Units sign[N];
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) sign[n] = Steps::load_units(signs[n] + at);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        const typename Steps::Units x = Steps::broadcast(grad + 4 * p);
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) sums[p][n] = Steps::add(sums[p][n], x, sign[n]);
      }
      grad += 4 * Steps::kFilters;
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    if (p >= args.filters) continue;
#pragma GCC unroll 4
    for (int n = 0; n < N; ++n) {
      float* const result = args.result[n] + p * args.filter_step;
      if (args.channels[n] == Steps::kLanes) {
        Steps::store(result, Steps::plus(sums[p][n], Steps::load(result)));
      } else {
        const int count = args.channels[n];
        Steps::store_first(result, Steps::plus(sums[p][n], Steps::load_first(result, count)),
                           count);
      }
    }
  }
}

// The smallest tile of 1, 2, 4 … filters that holds all.
template <int N, int P>
inline void run_filters(const WeightTileArgs& args) {
  if constexpr (P < Steps::kFilters) {
    if (args.filters > P) {
      run_filters<N, 2 * P>(args);
      return;
    }
  }
  weight_sums<P, N>(args);
}

void weight_tile(const WeightTileArgs& args) {
  if (args.columns == 3) {
    run_filters<3, 1>(args);
  } else if (args.columns == 2) {
    run_filters<2, 1>(args);
  } else {
    run_filters<1, 1>(args);
  }
}
