// Rows made ready for float32 arithmetic over the vocabulary `Steps`: copies, and bits as ±1.

void expand_signs(const SignRowArgs& args) {
  constexpr int64_t kVectorBytes = 4 * Steps::kLanes;
  for (int64_t i = 0; i < args.count; ++i) {
    const int64_t column = args.first + i;
    const bool inside = column >= 0 && column < args.width;
    auto* const target = reinterpret_cast<float*>(args.target + i * kVectorBytes);
    if (inside) {
      Steps::store(target, Steps::signs(vector_bits<Steps::kLanes>(
                               args.bits + column * args.pixel_bytes, args.pixel_bytes)));
    } else {
      Steps::store(target, Steps::none());
    }
  }
}

void copy_pixels(const float* grad, int64_t pixels, int64_t channels, int64_t pixel_bytes,
                 uint8_t* target) {
  const auto bytes = static_cast<size_t>(4 * channels);
  if (pixel_bytes == 4 * channels) {
    __builtin_memcpy(target, grad, static_cast<size_t>(pixels) * bytes);
    return;
  }
  for (int64_t p = 0; p < pixels; ++p) {
    __builtin_memcpy(target + p * pixel_bytes, grad + p * channels, bytes);
  }
}

void copy_filters(const float* grad, int64_t pixels, int64_t channels, int64_t tile_bytes,
                  uint8_t* target) {
  constexpr int kFilters = Steps::kFilters;
  for (int64_t first = 0; first < channels; first += kFilters, target += tile_bytes) {
    auto* next = reinterpret_cast<float*>(target);
    const float* pixel = grad + first;
    if (channels - first >= kFilters) {
      for (int64_t p = 0; p < pixels; ++p, next += kFilters, pixel += channels) {
        __builtin_memcpy(next, pixel, 4 * kFilters);
      }
      continue;
    }
    for (int64_t p = 0; p < pixels; ++p, next += kFilters, pixel += channels) {
      for (int f = 0; f < kFilters; ++f) next[f] = f < channels - first ? pixel[f] : 0.0f;
    }
  }
}

void pack_channels(const float* filter, const float*, int64_t channels, int vectors,
                   uint8_t* target) {
  auto* const units = reinterpret_cast<float*>(target);
  for (int64_t c = 0; c < vectors * Steps::kLanes; ++c) units[c] = c < channels ? filter[c] : 0.0f;
}
