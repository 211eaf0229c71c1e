// Maxout over the vocabulary `Vec`, for any number of channels.

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
