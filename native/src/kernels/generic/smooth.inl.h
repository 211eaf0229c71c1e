// Activations that only run as steps of their own, over the vocabulary `Vec`.

inline typename Vec::Floats magnitude(typename Vec::Floats v) {
  // v < 0 ? -v : v, but for -0.0: adding +0.0 makes it +0.0, and leaves all others as they are.
  return Vec::add(Vec::select_less(v, Vec::set(0.0f), Vec::negative(v), v), Vec::set(0.0f));
}

// clip(v + 3, 0, 6)
inline typename Vec::Floats ramp(typename Vec::Floats v) {
  const typename Vec::Floats t = Vec::add(v, Vec::set(3.0f));
  return Vec::smaller(Vec::set(6.0f), Vec::larger(Vec::set(0.0f), t));
}

inline typename Vec::Floats hard_sigmoid(typename Vec::Floats v) {
  return Vec::divide(ramp(v), Vec::set(6.0f));
}

inline typename Vec::Floats hardswish(typename Vec::Floats v) {
  return Vec::divide(Vec::multiply(v, ramp(v)), Vec::set(6.0f));
}

inline typename Vec::Floats silu(typename Vec::Floats v) {
  return Vec::divide(v, Vec::add(Vec::set(1.0f), exponential(Vec::negative(v))));
}

// A polynomial where |v| is small, 1 - 2 / (exp(2·|v|) + 1) elsewhere.
inline typename Vec::Floats tangent(typename Vec::Floats v) {
  const typename Vec::Floats one = Vec::set(1.0f), two = Vec::set(2.0f);
  const typename Vec::Floats a = magnitude(v);
  const typename Vec::Floats z = Vec::multiply(a, a);
  typename Vec::Floats p = Vec::set(-0x1.75e1d4p-8f);
  p = Vec::fma(p, z, Vec::set(0x1.52269cp-6f));
  p = Vec::fma(p, z, Vec::set(-0x1.b83c5ap-5f));
  p = Vec::fma(p, z, Vec::set(0x1.110726p-3f));
  p = Vec::fma(p, z, Vec::set(-0x1.555532p-2f));
  p = Vec::multiply(p, z);
  const typename Vec::Floats small = Vec::fma(p, a, a);
  const typename Vec::Floats large =
      Vec::subtract(one, Vec::divide(two, Vec::add(exponential(Vec::add(a, a)), one)));
  const typename Vec::Floats t = Vec::select_less(a, Vec::set(0.625f), small, large);
  return Vec::select_less(v, Vec::set(0.0f), Vec::negative(t), t);
}

// By the error function, 1 - a polynomial times exp(-v² / 2), which rounds to 1 before v is -6.
inline typename Vec::Floats gelu(typename Vec::Floats v) {
  const typename Vec::Floats one = Vec::set(1.0f);
  const typename Vec::Floats a = Vec::multiply(magnitude(v), Vec::set(0x1.6a09e6p-1f));
  const typename Vec::Floats t = Vec::divide(one, Vec::fma(a, Vec::set(0x1.4f740ap-2f), one));
  typename Vec::Floats p = Vec::set(0x1.0fb844p+0f);
  p = Vec::fma(p, t, Vec::set(-0x1.7401c6p+0f));
  p = Vec::fma(p, t, Vec::set(0x1.6be1c6p+0f));
  p = Vec::fma(p, t, Vec::set(-0x1.23531cp-2f));
  p = Vec::fma(p, t, Vec::set(0x1.04f20cp-2f));
  const typename Vec::Floats e =
      Vec::multiply(Vec::multiply(p, t), exponential(Vec::negative(Vec::multiply(a, a))));
  const typename Vec::Floats erf = Vec::subtract(one, e);
  const typename Vec::Floats half = Vec::multiply(Vec::set(0.5f), v);
  return Vec::multiply(
      half, Vec::select_less(v, Vec::set(0.0f), Vec::subtract(one, erf), Vec::add(one, erf)));
}
