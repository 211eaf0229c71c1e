// Pools of reals over the vocabulary `Vec`: a vector of channels walks the taps in (row, column)
// order.

void max_pool(const PoolArgs& args) {
  for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) {
    typename Vec::Floats best = Vec::load(args.first + c);
    for (int64_t row = 0; row < args.rows; ++row) {
      const float* tap = args.first + row * args.row_step + c;
      for (int64_t column = 0; column < args.columns; ++column, tap += args.column_step) {
        best = Vec::larger(Vec::load(tap), best);
      }
    }
    Vec::store(args.result + c, best);
  }
}

void avg_pool(const PoolArgs& args) {
  const typename Vec::Floats divisor = Vec::set(args.divisor);
  for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) {
    typename Vec::Floats sum = Vec::set(0.0f);
    for (int64_t row = 0; row < args.rows; ++row) {
      const float* tap = args.first + row * args.row_step + c;
      for (int64_t column = 0; column < args.columns; ++column, tap += args.column_step) {
        sum = Vec::add(sum, Vec::load(tap));
      }
    }
    Vec::store(args.result + c, Vec::divide(sum, divisor));
  }
}

void global_mean(const PoolArgs& args) {
  const typename Vec::Floats divisor = Vec::set(args.divisor);
  for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) {
    typename Vec::Floats sum = Vec::set(0.0f);
    for (int64_t row = 0; row < args.rows; ++row) {
      const float* tap = args.first + row * args.row_step + c;
      typename Vec::Floats row_sum = Vec::set(0.0f);
      for (int64_t column = 0; column < args.columns; ++column, tap += args.column_step) {
        row_sum = Vec::add(row_sum, Vec::load(tap));
      }
      sum = Vec::add(sum, row_sum);
    }
    Vec::store(args.result + c, Vec::divide(sum, divisor));
  }
}
