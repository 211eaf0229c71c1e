// The passes of PointwiseTable around a normalisation, over the vocabulary `Vec`. One vector of
// channels goes through all pixels, so that its constants stay in registers.

// Pixels whose sums are added up in float32 before they go on in double.
constexpr int64_t kSumPixels = 32;

// What is normalised, as it is kept: dots, in whole vectors of channels, or any reals.
inline typename Vec::Floats load_kept(const LanesFrom&, const int16_t* from) {
  return Vec::load_shorts(from);
}
inline typename Vec::Floats load_kept(const LanesFrom& part, const float* from) {
  return part.load(from);
}

// Of one vector of channels: kept values less `centre`, which may be null.
template <typename Kept>
struct Centred {
  Centred(const Kept* kept, const float* centre, const LanesFrom& part)
      : kept(kept),
        part(part),
        centre(centre == nullptr ? Vec::set(0.0f) : part.load(centre + part.c)) {}

  typename Vec::Floats at(int64_t i) const {
    return Vec::subtract(load_kept(part, kept + i), centre);
  }

  const Kept* kept;
  const LanesFrom& part;
  typename Vec::Floats centre;
};

// Calls add(at, first, second) for each pixel, `at` being where its vector of channels lies; adds
// the two totals to sums[0][c..] and sums[1][c..].
template <typename Add>
inline void sum_twice(int64_t pixels, int64_t channels, const LanesFrom& part, double* sums,
                      Add add) {
  for (int64_t begin = 0; begin < pixels; begin += kSumPixels) {
    const int64_t end = begin + kSumPixels < pixels ? begin + kSumPixels : pixels;
    typename Vec::Floats first = Vec::set(0.0f), second = Vec::set(0.0f);
    for (int64_t pixel = begin; pixel < end; ++pixel) add(pixel * channels + part.c, first, second);
    part.add_to(sums, first);
    part.add_to(sums + channels, second);
  }
}

void keep_dots(const float* dots, int64_t pixels, int64_t channels, int16_t* kept, double* sums) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    sum_twice(pixels, channels, LanesFrom(channels, c), sums,
              [&](int64_t at, typename Vec::Floats& total, typename Vec::Floats& squares) {
                const typename Vec::Floats v = Vec::load(dots + at);
                Vec::store_shorts(kept + at, v);
                total = Vec::add(total, v);
                squares = Vec::fma(v, v, squares);
              });
  }
}

void sum_reals(const float* reals, const float* centre, int64_t pixels, int64_t channels,
               double* sums) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const Centred<float> values(reals, centre, part);
    sum_twice(pixels, channels, part, sums,
              [&](int64_t at, typename Vec::Floats& total, typename Vec::Floats& squares) {
                const typename Vec::Floats v = values.at(at);
                total = Vec::add(total, v);
                squares = Vec::fma(v, v, squares);
              });
  }
}

template <typename Kept>
void normalise(const Kept* kept, const float* centre, const float* scale, const float* offset,
               const float* shortcut, bool clip, int64_t pixels, int64_t channels, float* y) {
  const typename Vec::Floats one = Vec::set(1.0f), minus_one = Vec::set(-1.0f);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const Centred<Kept> values(kept, centre, part);
    const typename Vec::Floats by = part.load(scale + c), plus = part.load(offset + c);
    for (int64_t at = c; at < pixels * channels; at += channels) {
      typename Vec::Floats v = Vec::fma(values.at(at), by, plus);
      if (shortcut != nullptr) v = Vec::add(v, part.load(shortcut + at));
      if (clip) v = Vec::smaller(one, Vec::larger(minus_one, v));
      part.store(y + at, v);
    }
  }
}

// The gradient of what was clipped to y.
inline typename Vec::Floats before_clip(const LanesFrom& part, const float* y,
                                        const float* gradient, int64_t at) {
  const typename Vec::Floats g = part.load(gradient + at);
  if (y == nullptr) return g;
  return Vec::select_less(magnitude(part.load(y + at)), Vec::set(1.0f), g, Vec::set(0.0f));
}

template <typename Kept>
void sum_gradients(const Kept* kept, const float* centre, const float* y, const float* gradient,
                   int64_t pixels, int64_t channels, double* sums) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const Centred<Kept> values(kept, centre, part);
    sum_twice(pixels, channels, part, sums,
              [&](int64_t at, typename Vec::Floats& total, typename Vec::Floats& products) {
                const typename Vec::Floats g = before_clip(part, y, gradient, at);
                total = Vec::add(total, g);
                products = Vec::fma(g, values.at(at), products);
              });
  }
}

template <typename Kept>
void spread_gradients(const Kept* kept, const float* centre, const float* y, const float* gradient,
                      const NormSpread& spread, int64_t pixels, int64_t channels, float* of_kept,
                      float* of_shortcut) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const Centred<Kept> values(kept, centre, part);
    const typename Vec::Floats scale = part.load(spread.by + c), tilt = part.load(spread.slope + c),
                               plus = part.load(spread.offset + c);
    for (int64_t at = c; at < pixels * channels; at += channels) {
      const typename Vec::Floats g = before_clip(part, y, gradient, at);
      part.store(of_kept + at, Vec::fma(g, scale, Vec::fma(values.at(at), tilt, plus)));
      if (of_shortcut != nullptr) part.store(of_shortcut + at, g);
    }
  }
}
