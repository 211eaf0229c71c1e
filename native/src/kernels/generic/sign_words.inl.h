// Storing words of packed signs.

// Stores the low `bytes` bytes, 1 to 8, of a word of signs.
inline void store_signs(uint8_t* target, uint64_t word, int64_t bytes) {
  if (bytes == 8) {
    __builtin_memcpy(target, &word, 8);
  } else if (bytes == 4) {
    __builtin_memcpy(target, &word, 4);
  } else if (bytes == 2) {
    __builtin_memcpy(target, &word, 2);
  } else {
    for (int64_t i = 0; i < bytes; ++i) target[i] = static_cast<uint8_t>(word >> (8 * i));
  }
}

// Spreads `count` signs from channel `c` on over groups that begin at byte addresses of their own.
inline void spread_signs(const SignArgs& signs, uint8_t* pixel, uint64_t word, int64_t c,
                         int64_t count) {
  if (c == 0) __builtin_memset(pixel, 0, static_cast<size_t>(signs.pixel_bytes));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t group = (c + i) / signs.group_channels;
    const int64_t bit = (c + i) % signs.group_channels;
    pixel[group * signs.group_bytes + bit / 8] |=
        static_cast<uint8_t>(((word >> i) & 1) << (bit % 8));
  }
}
