// What a convolution adds to its dots, over the vocabulary `Vec`, for any number of channels.

void finish_dots(const DotTerms& terms, int64_t pixels, int64_t channels, float* dots) {
  const typename Vec::Floats none = Vec::set(0.0f);
  for (int64_t c = 0; c < channels; c += kLanes) {
    const LanesFrom part(channels, c);
    const auto scale = terms.scale == nullptr ? Vec::set(1.0f) : part.load(terms.scale + c);
    const auto offset = terms.offset == nullptr ? none : part.load(terms.offset + c);
    for (int64_t p = 0; p < pixels; ++p) {
      const int64_t at = p * channels + c;
      typename Vec::Floats v = Vec::multiply(part.load(dots + at), scale);
      if (terms.offset != nullptr) v = Vec::add(v, Vec::multiply(offset, Vec::set(terms.sums[p])));
      if (terms.border != nullptr) v = Vec::add(v, part.load(terms.border + at));
      part.store(dots + at, v);
    }
  }
}
