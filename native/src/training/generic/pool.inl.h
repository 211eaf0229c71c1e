// Pooling of PointwiseTable, over the vocabulary `Vec`; channels are whole vectors.

// Calls run(where the window's first value lies in the image, the window's number, which counts
// vectors of channels too) for each window.
template <typename Run>
inline void for_windows(const PoolShape& shape, int64_t channels, Run run) {
  const int64_t row = shape.width * channels;
  int64_t pooled = 0;
  for (int64_t y = 0; y < shape.out_height(); ++y) {
    for (int64_t x = 0; x < shape.out_width(); ++x) {
      const int64_t first = shape.size * (y * row + x * channels);
      for (int64_t c = 0; c < channels; c += kLanes, pooled += kLanes) run(first + c, pooled);
    }
  }
}

void pool_dots(const PoolShape& shape, const float* dots, int64_t channels, float* pooled,
               uint8_t* places) {
  const int64_t row = shape.width * channels;
  for_windows(shape, channels, [&](int64_t first, int64_t window) {
    typename Vec::Floats most = Vec::load(dots + first), place = Vec::set(0.0f);
    for (int64_t i = 1; i < shape.size * shape.size; ++i) {
      const typename Vec::Floats v =
          Vec::load(dots + first + i / shape.size * row + i % shape.size * channels);
      place = Vec::select_less(most, v, Vec::set(static_cast<float>(i)), place);
      most = Vec::larger(v, most);
    }
    Vec::store(pooled + window, most);
    if (places == nullptr) return;
    float numbers[kLanes];
    Vec::store(numbers, place);
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      places[window + lane] = static_cast<uint8_t>(numbers[lane]);
    }
  });
}

void unpool(const PoolShape& shape, const float* of_pooled, const uint8_t* places, int64_t channels,
            float* of_dots) {
  const int64_t row = shape.width * channels;
  const bool covered = shape.height % shape.size == 0 && shape.width % shape.size == 0;
  if (!covered) {
    __builtin_memset(of_dots, 0, static_cast<size_t>(shape.height * row) * sizeof(float));
  }
  const typename Vec::Floats zero = Vec::set(0.0f), half = Vec::set(0.5f);
  for_windows(shape, channels, [&](int64_t first, int64_t window) {
    float numbers[kLanes];
    for (int64_t lane = 0; lane < kLanes; ++lane) numbers[lane] = places[window + lane];
    const typename Vec::Floats place = Vec::load(numbers), g = Vec::load(of_pooled + window);
    for (int64_t i = 0; i < shape.size * shape.size; ++i) {
      const typename Vec::Floats away =
          magnitude(Vec::add(place, Vec::set(-static_cast<float>(i))));
      Vec::store(of_dots + first + i / shape.size * row + i % shape.size * channels,
                 Vec::select_less(away, half, g, zero));
    }
  });
}
