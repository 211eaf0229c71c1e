static float tanh_once(float v) {
  const float a = v < 0 ? -v : v;
  float t;
  if (a < 0.625f) {
    const float z = a * a;
    float p = -0x1.75e1d4p-8f;
    p = fma_once(p, z, 0x1.52269cp-6f);
    p = fma_once(p, z, -0x1.b83c5ap-5f);
    p = fma_once(p, z, 0x1.110726p-3f);
    p = fma_once(p, z, -0x1.555532p-2f);
    t = fma_once(p * z, a, a);
  } else {
    t = 1.0f - 2.0f / (exp_once(a + a) + 1.0f);
  }
  return v < 0 ? -t : t;
}
