// The activations of an epilogue over the vocabulary `Vec`.

// The format's own exp. 1.5·2^23 is the magic number that leaves n, rounded to an integer, in the
// low bits of `shifted`; 2^n is built from those bits.
inline typename Vec::Floats exponential(typename Vec::Floats x) {
  const typename Vec::Floats magic = Vec::set(0x1.8p+23f);
  const typename Vec::Floats one = Vec::set(1.0f);
  x = Vec::larger(Vec::set(-87.0f), x);  // x < -87 ? -87 : x, NaN kept
  x = Vec::smaller(Vec::set(88.0f), x);  // x > 88 ? 88 : x
  const typename Vec::Floats shifted = Vec::fma(x, Vec::set(0x1.715476p+0f), magic);
  const typename Vec::Floats n = Vec::subtract(shifted, magic);
  typename Vec::Floats r = Vec::fma(n, Vec::set(-0x1.62e400p-1f), x);
  r = Vec::fma(n, Vec::set(-0x1.7f7d1cp-20f), r);
  typename Vec::Floats p = Vec::set(0x1.6850e4p-10f);
  p = Vec::fma(p, r, Vec::set(0x1.123bccp-7f));
  p = Vec::fma(p, r, Vec::set(0x1.555b98p-5f));
  p = Vec::fma(p, r, Vec::set(0x1.55548ep-3f));
  p = Vec::fma(p, r, Vec::set(0x1.fffff8p-2f));
  p = Vec::fma(p, r, one);
  p = Vec::fma(p, r, one);
  return Vec::multiply(p, Vec::power_of_two(shifted));
}

inline typename Vec::Floats sigmoid(typename Vec::Floats v) {
  const typename Vec::Floats one = Vec::set(1.0f);
  return Vec::divide(one, Vec::add(one, exponential(Vec::negative(v))));
}

// `slope` is that of negative values, for prelu and maxout; `positive` is for maxout.
template <Activation kActivation>
inline typename Vec::Floats activate(typename Vec::Floats v, typename Vec::Floats slope,
                                     typename Vec::Floats positive) {
  switch (kActivation) {
    case Activation::kNone:
      break;
    case Activation::kRelu:
      return Vec::larger(Vec::set(0.0f), v);  // v < 0 ? 0 : v
    case Activation::kHardtanh:
      return Vec::smaller(Vec::set(1.0f), Vec::larger(Vec::set(-1.0f), v));
    case Activation::kPrelu:
      return Vec::select_less(v, Vec::set(0.0f), Vec::multiply(v, slope), v);
    case Activation::kSigmoid:
      return sigmoid(v);
    case Activation::kMaxout:
      return Vec::select_less(v, Vec::set(0.0f), Vec::multiply(v, slope),
                              Vec::multiply(v, positive));
  }
  return v;
}
