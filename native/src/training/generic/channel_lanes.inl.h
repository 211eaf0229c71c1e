// Any number of channels over the vocabulary `Vec`: lanes are channels, and a vector of them goes
// through all pixels, so that its constants stay in registers.

// The channels of one vector from c on; the last ones of a pixel may be fewer than a vector holds.
struct LanesFrom {
  LanesFrom(int64_t channels, int64_t c)
      : c(c), count(channels - c), lanes(first_lanes(channels - c)) {}

  typename Vec::Floats load(const float* from) const {
    return count >= kLanes ? Vec::load(from) : Vec::load_lanes(from, 0, lanes);
  }
  void store(float* to, const typename Vec::Floats& v) const {
    if (count >= kLanes) {
      Vec::store(to, v);
    } else {
      Vec::store_first(to, v, static_cast<int>(count));
    }
  }
  void add_to(double* sums, const typename Vec::Floats& total) const {
    float values[kLanes];
    Vec::store(values, total);
    const int64_t used = count < kLanes ? count : kLanes;
    for (int64_t lane = 0; lane < used; ++lane) sums[c + lane] += static_cast<double>(values[lane]);
  }

  int64_t c, count;
  uint32_t lanes;
};
