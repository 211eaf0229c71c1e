// Sums of rows over the vocabulary `Vec`, R rows side by side, as each sum is one chain of
// additions.

template <int R>
inline void sum_rows(const RowSumsArgs& args, int64_t row, int64_t c) {
  const float* tap = args.first + row * args.row_step + c;
  typename Vec::Floats sum[R];
  for (int r = 0; r < R; ++r) sum[r] = Vec::set(0.0f);
  for (int64_t column = 0; column < args.columns; ++column, tap += args.column_step) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) sum[r] = Vec::add(sum[r], Vec::load(tap + r * args.row_step));
  }
  for (int r = 0; r < R; ++r) Vec::store(args.sums + (row + r) * args.sums_step + c, sum[r]);
}

void row_sums(const RowSumsArgs& args) {
  constexpr int kRows = 8;
  int64_t row = 0;
  for (; row + kRows <= args.rows; row += kRows) {
    for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) sum_rows<kRows>(args, row, c);
  }
  for (; row < args.rows; ++row) {
    for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) sum_rows<1>(args, row, c);
  }
}
