// The square root of x ≥ 0, rounded once to nearest; it needs no library.
//
// The mantissa's root is found bit by bit: 25 bits, of which the last decides how to round. A root
// of 24 bits is never half way between two floats.
static float sqrt_once(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (bits << 1 == 0 || bits >= 0x7f800000u) return x;
  int32_t exponent = (int32_t)(bits >> 23);
  uint32_t mantissa = bits & 0x7fffffu;
  if (exponent > 0) {
    mantissa |= 0x800000u;
  } else {
    for (exponent = 1; mantissa < 0x800000u; --exponent) mantissa <<= 1;
  }
  // x = mantissa · 2^25 · 2^(exponent − 175), and the last power must be even.
  if ((exponent & 1) == 0) {
    mantissa <<= 1;
    --exponent;
  }
  uint32_t root = 0, rest = 0, digits = mantissa << 7;
  for (int i = 0; i < 25; ++i) {
    rest = rest << 2 | digits >> 30;
    digits <<= 2;
    const uint32_t trial = root << 2 | 1u;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1u;
    }
  }
  const uint32_t rounded = (root >> 1) + (root & 1u);
  bits = ((uint32_t)((exponent + 127) / 2 - 1) << 23) + rounded;
  memcpy(&x, &bits, sizeof x);
  return x;
}
