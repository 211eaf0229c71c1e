static float gelu_once(float v) {
  const float a = (v < 0 ? -v : v) * 0x1.6a09e6p-1f;
  const float t = 1.0f / fma_once(a, 0x1.4f740ap-2f, 1.0f);
  float p = 0x1.0fb844p+0f;
  p = fma_once(p, t, -0x1.7401c6p+0f);
  p = fma_once(p, t, 0x1.6be1c6p+0f);
  p = fma_once(p, t, -0x1.23531cp-2f);
  p = fma_once(p, t, 0x1.04f20cp-2f);
  const float r = 1.0f - (p * t) * exp_once(-(a * a));
  return 0.5f * v * (v < 0 ? 1.0f - r : 1.0f + r);
}
