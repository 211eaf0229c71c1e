#ifndef POPCOUNT
/* The sum of the four bytes of a word. */
static INLINE word add_bytes(word bytes) {
#if defined(__GNUC__) && defined(__ARM_FEATURE_SIMD32)
  word sum;
  __asm__("usad8 %0, %1, %2" : "=r"(sum) : "r"(bytes), "r"(0));
  return sum;
#else
  const word halves = (bytes & 0x00ff00ffu) + (bytes >> 8 & 0x00ff00ffu);
  return (halves + (halves >> 16)) & 0xffffu;
#endif
}
#endif
