// Pools of reals over the vocabulary `Vec`: vectors of channels walk the taps in (row, column)
// order, several side by side, as each is one chain of operations.

template <int V, typename Fold>
inline void fold_taps(const PoolArgs& args, int64_t c, typename Vec::Floats (&folded)[V],
                      Fold fold) {
  for (int64_t row = 0; row < args.rows; ++row) {
    const float* tap = args.first + row * args.row_step + c;
    for (int64_t column = 0; column < args.columns; ++column, tap += args.column_step) {
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v)
        folded[v] = fold(folded[v], Vec::load(tap + v * Vec::kFloatLanes));
    }
  }
}

template <int V>
inline void max_channels(const PoolArgs& args, int64_t c) {
  typename Vec::Floats best[V];
  for (int v = 0; v < V; ++v) best[v] = Vec::load(args.first + c + v * Vec::kFloatLanes);
  fold_taps(args, c, best, [](typename Vec::Floats largest, typename Vec::Floats tap) {
    return Vec::larger(tap, largest);
  });
  for (int v = 0; v < V; ++v) Vec::store(args.result + c + v * Vec::kFloatLanes, best[v]);
}

template <int V>
inline void average_channels(const PoolArgs& args, int64_t c) {
  typename Vec::Floats sum[V];
  for (int v = 0; v < V; ++v) sum[v] = Vec::set(0.0f);
  fold_taps(args, c, sum, [](typename Vec::Floats total, typename Vec::Floats tap) {
    return Vec::add(total, tap);
  });
  const typename Vec::Floats divisor = Vec::set(args.divisor);
  for (int v = 0; v < V; ++v) {
    Vec::store(args.result + c + v * Vec::kFloatLanes, Vec::divide(sum[v], divisor));
  }
}

constexpr int kPoolVectors = 4;

void max_pool(const PoolArgs& args) {
  int64_t c = 0;
  for (; c + kPoolVectors * Vec::kFloatLanes <= args.channels; c += kPoolVectors * Vec::kFloatLanes)
    max_channels<kPoolVectors>(args, c);
  for (; c < args.channels; c += Vec::kFloatLanes) max_channels<1>(args, c);
}

void avg_pool(const PoolArgs& args) {
  int64_t c = 0;
  for (; c + kPoolVectors * Vec::kFloatLanes <= args.channels; c += kPoolVectors * Vec::kFloatLanes)
    average_channels<kPoolVectors>(args, c);
  for (; c < args.channels; c += Vec::kFloatLanes) average_channels<1>(args, c);
}

// Adds the sums of R rows, which are summed side by side, to `sum`, top to bottom.
template <int R>
inline typename Vec::Floats add_rows(const PoolArgs& args, const float* first,
                                     typename Vec::Floats sum) {
  typename Vec::Floats row_sum[R];
  for (int r = 0; r < R; ++r) row_sum[r] = Vec::set(0.0f);
  for (int64_t column = 0; column < args.columns; ++column, first += args.column_step) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r)
      row_sum[r] = Vec::add(row_sum[r], Vec::load(first + r * args.row_step));
  }
  for (int r = 0; r < R; ++r) sum = Vec::add(sum, row_sum[r]);
  return sum;
}

void global_mean(const PoolArgs& args) {
  constexpr int kRows = 8;
  const typename Vec::Floats divisor = Vec::set(args.divisor);
  for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) {
    typename Vec::Floats sum = Vec::set(0.0f);
    const float* first = args.first + c;
    int64_t row = 0;
    for (; row + kRows <= args.rows; row += kRows, first += kRows * args.row_step) {
      sum = add_rows<kRows>(args, first, sum);
    }
    for (; row < args.rows; ++row, first += args.row_step) sum = add_rows<1>(args, first, sum);
    Vec::store(args.result + c, Vec::divide(sum, divisor));
  }
}
