// One vector's bits of a pixel that has so many bytes, all of them readable.
template <int kLanes>
inline uint32_t vector_bits(const uint8_t* bits, int64_t pixel_bytes) {
  static_assert(kLanes == 8 || kLanes == 16);
  if (kLanes == 8 || pixel_bytes == 1) return bits[0];
  uint16_t word;
  __builtin_memcpy(&word, bits, sizeof word);
  return word;
}
