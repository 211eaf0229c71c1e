/* e^x by a polynomial, x held to -87 ... 88. */
static float exp_once(float x) {
  if (x != x) return x;
  x = x < -87.0f ? -87.0f : x > 88.0f ? 88.0f : x;
  const float n = fma_once(x, 0x1.715476p+0f, 0x1.8p+23f) - 0x1.8p+23f;
  const float r = fma_once(n, -0x1.7f7d1cp-20f, fma_once(n, -0x1.62e400p-1f, x));
  float p = 0x1.6850e4p-10f;
  p = fma_once(p, r, 0x1.123bccp-7f);
  p = fma_once(p, r, 0x1.555b98p-5f);
  p = fma_once(p, r, 0x1.55548ep-3f);
  p = fma_once(p, r, 0x1.fffff8p-2f);
  p = fma_once(p, r, 1.0f);
  p = fma_once(p, r, 1.0f);
  const uint32_t exponent = (uint32_t)((int32_t)n + 127) << 23;
  float power;
  memcpy(&power, &exponent, sizeof power);
  return p * power;
}
