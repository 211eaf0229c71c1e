// The passes of PointwiseTable over the vocabulary `Vec`. Lanes are channels; the last ones of a
// pixel that are no whole vector are read and written under a mask.
#include "kernels/generic/activation.inl.h"

constexpr int64_t kLanes = Vec::kFloatLanes;

inline uint32_t first_lanes(int64_t count) {
  return count >= kLanes ? (uint32_t{1} << kLanes) - 1 : (uint32_t{1} << count) - 1;
}

// A sign's argument.
struct Argument {
  Argument(const typename Vec::Floats& shift, float divisor)
      : shift(shift), divisor(Vec::set(divisor)), divides(divisor != 1.0f) {}

  typename Vec::Floats of(const typename Vec::Floats& x) const { return over(Vec::add(x, shift)); }
  typename Vec::Floats over(const typename Vec::Floats& v) const {
    return divides ? Vec::divide(v, divisor) : v;
  }

  typename Vec::Floats shift, divisor;
  bool divides;
};

void pack_signs(const float* x, const float* shift, float divisor, int64_t pixels, int64_t channels,
                int64_t pixel_bytes, uint8_t* signs) {
  const typename Vec::Floats zero = Vec::set(0.0f);
  for (int64_t p = 0; p < pixels; ++p, x += channels, signs += pixel_bytes) {
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      const Argument argument(shift == nullptr ? zero : Vec::load(shift + c), divisor);
      const uint64_t word = Vec::less(argument.of(Vec::load(x + c)), zero);
      __builtin_memcpy(signs + c / 8, &word, kLanes / 8);
    }
    if (c / 8 < pixel_bytes)
      __builtin_memset(signs + c / 8, 0, static_cast<size_t>(pixel_bytes - c / 8));
    if (c < channels) {
      const uint32_t lanes = first_lanes(channels - c);
      const Argument argument(shift == nullptr ? zero : Vec::load_lanes(shift, c, lanes), divisor);
      const uint64_t word = Vec::less(argument.of(Vec::load_lanes(x, c, lanes)), zero) & lanes;
      __builtin_memcpy(signs + c / 8, &word, static_cast<size_t>((channels - c + 7) / 8));
    }
  }
}

inline typename Vec::Floats magnitude(typename Vec::Floats x) {
  return Vec::larger(x, Vec::negative(x));
}

template <Surrogate kind>
inline typename Vec::Floats derivative(typename Vec::Floats x, typename Vec::Floats t,
                                       typename Vec::Floats kt) {
  const typename Vec::Floats one = Vec::set(1.0f);
  switch (kind) {
    case Surrogate::kIdentity:
      break;
    case Surrogate::kClip:  // not of NaN
      return Vec::select_less(magnitude(x), t, one, Vec::set(0.0f));
    case Surrogate::kPolynomial: {
      const typename Vec::Floats slope = Vec::fma(magnitude(x), Vec::set(-2.0f), Vec::set(2.0f));
      return Vec::larger(Vec::set(0.0f), slope);  // slope < 0 ? 0 : slope, NaN kept
    }
    case Surrogate::kEde: {
      // 1 - tanh(u)² = 4e / (1 + e)² with e = exp(-2|u|): nothing is lost where tanh is near ±1.
      const typename Vec::Floats e =
          exponential(Vec::multiply(magnitude(Vec::multiply(x, t)), Vec::set(-2.0f)));
      const typename Vec::Floats sum = Vec::add(one, e);
      return Vec::multiply(kt,
                           Vec::divide(Vec::multiply(e, Vec::set(4.0f)), Vec::multiply(sum, sum)));
    }
  }
  return one;
}

// One vector of channels from c on, in all pixels.
template <Surrogate kind>
inline void scale_gradient(const SurrogateArgs& surrogate, const float* x, const float* shift,
                           int64_t pixels, int64_t channels, int64_t c, float* gradient,
                           const SurrogateSums& sums) {
  const uint32_t lanes = first_lanes(channels - c);
  const bool whole = channels - c >= kLanes;
  const auto load = [&](const float* from, int64_t at) {
    return whole ? Vec::load(from + at) : Vec::load_lanes(from, at, lanes);
  };
  const auto store = [&](float* to, typename Vec::Floats v) {
    if (whole) {
      Vec::store(to, v);
    } else {
      Vec::store_first(to, v, static_cast<int>(channels - c));
    }
  };
  // |x| <= t is |x| < the next float after t.
  const float bound =
      kind == Surrogate::kClip ? __builtin_nextafterf(surrogate.t, __builtin_inff()) : surrogate.t;
  const typename Vec::Floats t = Vec::set(bound), kt = Vec::set(surrogate.k * surrogate.t);
  const Argument argument(shift == nullptr ? Vec::set(0.0f) : load(shift, c), surrogate.divisor);
  typename Vec::Floats total = Vec::set(0.0f), products = Vec::set(0.0f);
  for (int64_t at = c; at < pixels * channels; at += channels) {
    const typename Vec::Floats u = argument.of(load(x, at));
    const typename Vec::Floats scaled =
        argument.over(Vec::multiply(load(gradient, at), derivative<kind>(u, t, kt)));
    store(gradient + at, scaled);
    total = Vec::add(total, scaled);
    if (sums.products != nullptr) products = Vec::fma(scaled, u, products);
  }
  const auto add_to = [&](float* to, typename Vec::Floats v) {
    if (to != nullptr) store(to + c, Vec::add(load(to, c), v));
  };
  add_to(sums.of_shift, total);
  add_to(sums.products, products);
}

template <Surrogate kind>
inline void scale_all(const SurrogateArgs& surrogate, const float* x, const float* shift,
                      int64_t pixels, int64_t channels, float* gradient,
                      const SurrogateSums& sums) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    scale_gradient<kind>(surrogate, x, shift, pixels, channels, c, gradient, sums);
  }
}

void surrogate_gradient(const SurrogateArgs& surrogate, const float* x, const float* shift,
                        int64_t pixels, int64_t channels, float* gradient,
                        const SurrogateSums& sums) {
  const auto scale = [&](auto run) { run(surrogate, x, shift, pixels, channels, gradient, sums); };
  switch (surrogate.kind) {
    case Surrogate::kIdentity:
      return scale(scale_all<Surrogate::kIdentity>);
    case Surrogate::kClip:
      return scale(scale_all<Surrogate::kClip>);
    case Surrogate::kPolynomial:
      return scale(scale_all<Surrogate::kPolynomial>);
    case Surrogate::kEde:
      return scale(scale_all<Surrogate::kEde>);
  }
}

void add(const float* addend, int64_t count, float* sum) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    Vec::store(sum + i, Vec::add(Vec::load(sum + i), Vec::load(addend + i)));
  }
  for (; i < count; ++i) sum[i] += addend[i];
}

void add_by_channel(const float* addend, int64_t pixels, int64_t channels, float* sum) {
  for (int64_t p = 0; p < pixels; ++p) add(addend, channels, sum + p * channels);
}
