// RPReLU and Maxout over the vocabulary `Vec`, for any number of channels.

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

void maxout(const float* x, const MaxoutConstants& constants, int64_t pixels, int64_t channels,
            float* y) {
  const typename Vec::Floats zero = Vec::set(0.0f);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const auto negative = part.load(constants.negative + c),
               positive = part.load(constants.positive + c);
    for (int64_t at = c; at < pixels * channels; at += channels) {
      const typename Vec::Floats v = part.load(x + at);
      part.store(y + at, Vec::multiply(v, Vec::select_less(v, zero, negative, positive)));
    }
  }
}

void maxout_gradients(const float* x, const float* gradient, const MaxoutConstants& constants,
                      int64_t pixels, int64_t channels, float* of_x, double* sums) {
  const typename Vec::Floats zero = Vec::set(0.0f);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const auto negative = part.load(constants.negative + c),
               positive = part.load(constants.positive + c);
    for (int64_t begin = 0; begin < pixels; begin += kSumPixels) {
      const int64_t end = begin + kSumPixels < pixels ? begin + kSumPixels : pixels;
      typename Vec::Floats of_negative = zero, of_positive = zero;
      for (int64_t at = begin * channels + c; at < end * channels; at += channels) {
        const typename Vec::Floats v = part.load(x + at), g = part.load(gradient + at);
        part.store(of_x + at, Vec::multiply(g, Vec::select_less(v, zero, negative, positive)));
        const typename Vec::Floats of_factor = Vec::multiply(g, v);
        of_negative = Vec::add(of_negative, Vec::select_less(v, zero, of_factor, zero));
        of_positive = Vec::add(of_positive, Vec::select_less(v, zero, zero, of_factor));
      }
      part.add_to(sums, of_negative);
      part.add_to(sums + channels, of_positive);
    }
  }
}
