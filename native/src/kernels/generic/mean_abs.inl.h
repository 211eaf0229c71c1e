// Means of magnitudes: P pixels side by side, as each sum is one chain of additions.

template <int P>
inline void mean_abs_of(const MeanAbsArgs& args, int64_t pixel) {
  const float* const first = args.first + pixel * args.channels;
  float sum[P] = {};
  for (int64_t c = 0; c < args.channels; ++c) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) sum[p] += __builtin_fabsf(first[p * args.channels + c]);
  }
  for (int p = 0; p < P; ++p) args.result[(pixel + p) * args.result_step] = sum[p] / args.divisor;
}

void mean_abs(const MeanAbsArgs& args) {
  constexpr int kPixels = 8;
  int64_t pixel = 0;
  for (; pixel + kPixels <= args.pixels; pixel += kPixels) mean_abs_of<kPixels>(args, pixel);
  for (; pixel < args.pixels; ++pixel) mean_abs_of<1>(args, pixel);
}
