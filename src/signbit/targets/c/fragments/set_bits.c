/* Sets `count` bits of `to` from bit `at` on. */
static INLINE void set_bits(word *to, int32_t at, int32_t count) {
  while (count > 0) {
    const int32_t room = 32 - (at & 31), taken = room < count ? room : count;
    to[at >> 5] |= (taken < 32 ? ((word)1 << taken) - 1 : ~(word)0) << (at & 31);
    at += taken;
    count -= taken;
  }
}
