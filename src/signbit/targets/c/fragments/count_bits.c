/* How many of `count` bits of `from`, beginning at bit `first`, are set. */
static int32_t count_bits(const word *from, int32_t first, int32_t count) {
  int32_t sum = 0;
  while (count > 0) {
    const int32_t have = 32 - (first & 31), taken = have < count ? have : count;
    word bits = from[first >> 5] >> (first & 31);
    if (taken < 32) bits &= ((word)1 << taken) - 1;
    bits -= bits >> 1 & 0x55555555u;
    bits = (bits & 0x33333333u) + (bits >> 2 & 0x33333333u);
    sum += (int32_t)((((bits + (bits >> 4)) & 0x0f0f0f0fu) * 0x01010101u) >> 24);
    first += taken;
    count -= taken;
  }
  return sum;
}
