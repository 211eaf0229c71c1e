// Convolutions of one channel in each group over the vocabulary `Vec`, for any number of channels.
// Rows come first, then a row's vectors of channels: what is read again lies in a near cache.

void expand_signs(const float* x, const float* shift, float divisor, int64_t pixels,
                  int64_t channels, float* signs) {
  const typename Vec::Floats zero = Vec::set(0.0f), one = Vec::set(1.0f), minus = Vec::set(-1.0f);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const Argument argument(shift == nullptr ? zero : part.load(shift + c), divisor);
    for (int64_t at = c; at < pixels * channels; at += channels) {
      part.store(signs + at, Vec::select_less(argument.of(part.load(x + at)), zero, minus, one));
    }
  }
}

// Calls run(part, tap, first result, first input, results, input step) for each run of results
// that see one tap in one row: values of c's vector, `channels` and `input step` floats apart.
template <typename Run>
inline void for_tap_rows(const DepthwiseShape& shape, Run run) {
  const int64_t width = shape.columns.outputs();
  for (int64_t y = 0; y < shape.rows.outputs(); ++y) {
    const TapRange inside = shape.rows.taps_inside(y);
    for (int64_t c = 0; c < shape.channels; c += kLanes) {
      const LanesFrom part(shape.channels, c);
      for (int64_t ky = inside.first; ky < inside.last; ++ky) {
        const int64_t row = y * shape.rows.stride - shape.rows.before + ky * shape.rows.dilation;
        for (int64_t kx = 0; kx < shape.columns.kernel; ++kx) {
          // Results [first, last) see this column of taps inside the image.
          const int64_t start = kx * shape.columns.dilation - shape.columns.before;
          const int64_t stride = shape.columns.stride;
          const int64_t first = start >= 0 ? 0 : (-start + stride - 1) / stride;
          const int64_t room = shape.columns.size - 1 - start;
          const int64_t end = room < 0 ? 0 : room / stride + 1, last = end < width ? end : width;
          if (first >= last) continue;
          run(part, ky * shape.columns.kernel + kx, (y * width + first) * shape.channels + c,
              (row * shape.columns.size + first * stride + start) * shape.channels + c,
              last - first, stride * shape.channels);
        }
      }
    }
  }
}

void depthwise(const DepthwiseShape& shape, const float* signs, const float* weights, float* y) {
  const int64_t results = shape.rows.outputs() * shape.columns.outputs() * shape.channels;
  __builtin_memset(y, 0, static_cast<size_t>(results) * sizeof(float));
  for_tap_rows(shape, [&](const LanesFrom& part, int64_t tap, int64_t to, int64_t from,
                          int64_t count, int64_t step) {
    const auto weight = part.load(weights + tap * shape.channels + part.c);
    for (int64_t i = 0; i < count; ++i, to += shape.channels, from += step) {
      part.store(y + to, Vec::fma(part.load(signs + from), weight, part.load(y + to)));
    }
  });
}

void depthwise_input(const DepthwiseShape& shape, const float* weights, const float* of_y,
                     float* of_signs) {
  for_tap_rows(shape, [&](const LanesFrom& part, int64_t tap, int64_t to, int64_t from,
                          int64_t count, int64_t step) {
    const auto weight = part.load(weights + tap * shape.channels + part.c);
    for (int64_t i = 0; i < count; ++i, to += shape.channels, from += step) {
      part.store(of_signs + from,
                 Vec::fma(part.load(of_y + to), weight, part.load(of_signs + from)));
    }
  });
}

void depthwise_weights(const DepthwiseShape& shape, const float* signs, const float* of_y,
                       double* sums) {
  for_tap_rows(shape, [&](const LanesFrom& part, int64_t tap, int64_t to, int64_t from,
                          int64_t count, int64_t step) {
    typename Vec::Floats total = Vec::set(0.0f);
    for (int64_t i = 0; i < count; ++i, to += shape.channels, from += step) {
      total = Vec::fma(part.load(of_y + to), part.load(signs + from), total);
    }
    part.add_to(sums + tap * shape.channels, total);
  });
}
