// The passes of PointwiseTable around a normalisation, over the vocabulary `Vec`. One vector of
// channels goes through all pixels, so that its constants stay in registers.

// Pixels whose sums are added up in float32 before they go on in double.
constexpr int64_t kSumPixels = 32;

// Adds the lanes of `total` to sums[0 .. kLanes).
inline void add_lanes(typename Vec::Floats total, double* sums) {
  float lanes[kLanes];
  Vec::store(lanes, total);
  for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += static_cast<double>(lanes[lane]);
}

// Calls add(at, first, second) for each pixel, `at` being where its vector of channels lies; adds
// the two totals to sums[0][c..] and sums[1][c..].
template <typename Add>
inline void sum_twice(int64_t pixels, int64_t channels, int64_t c, double* sums, Add add) {
  for (int64_t begin = 0; begin < pixels; begin += kSumPixels) {
    const int64_t end = begin + kSumPixels < pixels ? begin + kSumPixels : pixels;
    typename Vec::Floats first = Vec::set(0.0f), second = Vec::set(0.0f);
    for (int64_t pixel = begin; pixel < end; ++pixel) add(pixel * channels + c, first, second);
    add_lanes(first, sums + c);
    add_lanes(second, sums + channels + c);
  }
}

void keep_dots(const float* dots, int64_t pixels, int64_t channels, int16_t* kept, double* sums) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    sum_twice(pixels, channels, c, sums,
              [&](int64_t at, typename Vec::Floats& total, typename Vec::Floats& squares) {
                const typename Vec::Floats v = Vec::load(dots + at);
                Vec::store_shorts(kept + at, v);
                total = Vec::add(total, v);
                squares = Vec::fma(v, v, squares);
              });
  }
}

void normalise(const int16_t* dots, const float* scale, const float* offset, const float* shortcut,
               bool clip, int64_t pixels, int64_t channels, float* y) {
  const typename Vec::Floats one = Vec::set(1.0f), minus_one = Vec::set(-1.0f);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const typename Vec::Floats by = Vec::load(scale + c), plus = Vec::load(offset + c);
    for (int64_t at = c; at < pixels * channels; at += channels) {
      typename Vec::Floats v = Vec::fma(Vec::load_shorts(dots + at), by, plus);
      if (shortcut != nullptr) v = Vec::add(v, Vec::load(shortcut + at));
      if (clip) v = Vec::smaller(one, Vec::larger(minus_one, v));
      Vec::store(y + at, v);
    }
  }
}

// The gradient of what was clipped to y.
inline typename Vec::Floats before_clip(const float* y, const float* gradient, int64_t at) {
  const typename Vec::Floats g = Vec::load(gradient + at);
  if (y == nullptr) return g;
  return Vec::select_less(magnitude(Vec::load(y + at)), Vec::set(1.0f), g, Vec::set(0.0f));
}

void sum_gradients(const int16_t* dots, const float* y, const float* gradient, int64_t pixels,
                   int64_t channels, double* sums) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    sum_twice(pixels, channels, c, sums,
              [&](int64_t at, typename Vec::Floats& total, typename Vec::Floats& products) {
                const typename Vec::Floats g = before_clip(y, gradient, at);
                total = Vec::add(total, g);
                products = Vec::fma(g, Vec::load_shorts(dots + at), products);
              });
  }
}

void spread_gradients(const int16_t* dots, const float* y, const float* gradient, const float* by,
                      const float* slope, const float* offset, int64_t pixels, int64_t channels,
                      float* of_dots, float* of_shortcut) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    const typename Vec::Floats scale = Vec::load(by + c), tilt = Vec::load(slope + c),
                               plus = Vec::load(offset + c);
    for (int64_t at = c; at < pixels * channels; at += channels) {
      const typename Vec::Floats g = before_clip(y, gradient, at);
      Vec::store(of_dots + at,
                 Vec::fma(g, scale, Vec::fma(Vec::load_shorts(dots + at), tilt, plus)));
      if (of_shortcut != nullptr) Vec::store(of_shortcut + at, g);
    }
  }
}
