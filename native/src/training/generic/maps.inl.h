// Maps of one value per pixel over the vocabulary `Vec`, for any number of channels.

// The lanes' sum, half by half.
inline float lanes_sum(const typename Vec::Floats& v) {
  float values[kLanes];
  Vec::store(values, v);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) values[i] += values[i + half];
  }
  return values[0];
}

void times_map_gradients(const float* y, const float* map, const float* gradient, int64_t pixels,
                         int64_t channels, float* of_y, float* of_map) {
  for (int64_t p = 0; p < pixels; ++p) {
    const typename Vec::Floats by = Vec::set(map[p]);
    typename Vec::Floats products = Vec::set(0.0f);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const LanesFrom part(channels, c);
      const int64_t at = p * channels + c;
      const typename Vec::Floats g = part.load(gradient + at);
      part.store(of_y + at, Vec::multiply(g, by));
      products = Vec::fma(g, part.load(y + at), products);
    }
    of_map[p] = lanes_sum(products);
  }
}

void add_by_sign(const float* x, const float* addend, int64_t pixels, int64_t channels,
                 float* sum) {
  const typename Vec::Floats zero = Vec::set(0.0f);
  for (int64_t p = 0; p < pixels; ++p) {
    const typename Vec::Floats plus = Vec::set(addend[p]), minus = Vec::set(-addend[p]);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const LanesFrom part(channels, c);
      const int64_t at = p * channels + c;
      const typename Vec::Floats v = part.load(x + at);
      const auto added = Vec::select_less(zero, v, plus, Vec::select_less(v, zero, minus, zero));
      part.store(sum + at, Vec::add(part.load(sum + at), added));
    }
  }
}
