/* Copies `count` bits of `from`, beginning at bit `first`, to `to` from bit `at` on, which is 0. */
static INLINE void put_bits(word *to, int32_t at, const word *from, int32_t first, int32_t count) {
  while (count > 0) {
    const int32_t room = 32 - (at & 31), have = 32 - (first & 31);
    int32_t taken = room < have ? room : have;
    if (taken > count) taken = count;
    word bits = from[first >> 5] >> (first & 31);
    if (taken < 32) bits &= ((word)1 << taken) - 1;
    to[at >> 5] |= bits << (at & 31);
    at += taken;
    first += taken;
    count -= taken;
  }
}
