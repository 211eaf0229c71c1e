/* Signs as numbers: -1 for a bit that is set, else +1. */
static void unpack_signs(const word *bits, int32_t pixels, int32_t channels, int8_t *signs) {
  const int32_t words = (channels + 31) / 32;
  for (int32_t pixel = 0; pixel < pixels; ++pixel)
    for (int32_t c = 0; c < channels; ++c)
      signs[pixel * channels + c] =
          (int8_t)(1 - 2 * (int32_t)(bits[pixel * words + (c >> 5)] >> (c & 31) & 1u));
}
