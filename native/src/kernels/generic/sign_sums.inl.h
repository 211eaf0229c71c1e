// Sums of signs: of a group's n signs, n minus twice the negative ones.

inline int64_t count_bits(const uint8_t* bits, int64_t bytes) {
  int64_t count = 0;
  for (; bytes >= 8; bytes -= 8, bits += 8) {
    uint64_t word;
    __builtin_memcpy(&word, bits, 8);
    count += __builtin_popcountll(word);
  }
  uint64_t rest = 0;
  if (bytes == 4) {
    __builtin_memcpy(&rest, bits, 4);
  } else {
    for (int64_t i = 0; i < bytes; ++i) rest |= uint64_t{bits[i]} << (8 * i);
  }
  return count + __builtin_popcountll(rest);
}

void sign_sums(const SignSumsArgs& args) {
  for (int64_t column = 0; column < args.columns; ++column) {
    for (int64_t group = 0; group < args.groups; ++group) {
      const uint8_t* const first =
          args.first + column * args.column_step + group * args.group_bytes;
      int64_t negative = 0;
      for (int64_t row = 0; row < args.rows; ++row) {
        negative += count_bits(first + row * args.row_step, args.group_bytes);
      }
      args.sums[column * args.groups + group] =
          static_cast<int32_t>(args.rows * args.group_channels - 2 * negative);
    }
  }
}
