// RPReLU over the vocabulary `Vec`, for any number of channels.

void rprelu(const float* x, const RPReLUConstants& constants, int64_t pixels, int64_t channels,
            float* y) {
  const typename Vec::Floats zero = Vec::set(0.0f);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const auto before = part.load(constants.before + c), slope = part.load(constants.slope + c),
               after = part.load(constants.after + c);
    for (int64_t at = c; at < pixels * channels; at += channels) {
      const typename Vec::Floats t = Vec::add(part.load(x + at), before);
      const typename Vec::Floats bent = Vec::select_less(zero, t, t, Vec::multiply(t, slope));
      part.store(y + at, Vec::add(bent, after));
    }
  }
}

void rprelu_gradients(const float* x, const float* gradient, const RPReLUConstants& constants,
                      int64_t pixels, int64_t channels, float* of_x, double* sums) {
  const typename Vec::Floats zero = Vec::set(0.0f);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const auto before = part.load(constants.before + c), slope = part.load(constants.slope + c);
    for (int64_t begin = 0; begin < pixels; begin += kSumPixels) {
      const int64_t end = begin + kSumPixels < pixels ? begin + kSumPixels : pixels;
      typename Vec::Floats of_before = zero, of_slope = zero, of_after = zero;
      for (int64_t at = begin * channels + c; at < end * channels; at += channels) {
        const typename Vec::Floats t = Vec::add(part.load(x + at), before);
        const typename Vec::Floats g = part.load(gradient + at);
        const typename Vec::Floats through = Vec::select_less(zero, t, g, Vec::multiply(g, slope));
        part.store(of_x + at, through);
        of_before = Vec::add(of_before, through);
        of_slope = Vec::fma(g, Vec::smaller(zero, t), of_slope);  // NaN kept
        of_after = Vec::add(of_after, g);
      }
      part.add_to(sums, of_before);
      part.add_to(sums + channels, of_slope);
      part.add_to(sums + 2 * channels, of_after);
    }
  }
}
