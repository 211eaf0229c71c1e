// The operations of dots.inl.h for one register of weights and two windows, in assembly.
//
// t0 to t2 become x0, m and n of the first window, w0 to w2 those of the second; then the bits of
// n and m are counted. a0 to a5 are the words of both windows; `at` is where the weights of the
// triple's three steps begin, each of kWordLanes words.
#pragma once

#define SIGNBIT_COUNT_TWO_TRIPLES                                               \
  "ldr %q[w0], [%[at], %[first]]\n ldr %q[w1], [%[at], %[second]]\n"            \
  "ldr %q[w2], [%[at], %[third]]\n"                                             \
  "eor %[t0].16b, %[a0].16b, %[w0].16b\n eor %[w0].16b, %[a3].16b, %[w0].16b\n" \
  "eor %[t1].16b, %[a1].16b, %[w1].16b\n eor %[w1].16b, %[a4].16b, %[w1].16b\n" \
  "eor %[t2].16b, %[a2].16b, %[w2].16b\n eor %[w2].16b, %[a5].16b, %[w2].16b\n" \
  "bsl %[t1].16b, %[t2].16b, %[t0].16b\n bsl %[w1].16b, %[w2].16b, %[w0].16b\n" \
  "cnt %[t2].16b, %[t2].16b\n cnt %[w2].16b, %[w2].16b\n"                       \
  "cnt %[t1].16b, %[t1].16b\n cnt %[w1].16b, %[w1].16b\n"

#define SIGNBIT_TWO_TRIPLES_HELD \
  [w0] "=&w"(w0), [w1] "=&w"(w1), [w2] "=&w"(w2), [t0] "=&w"(t0), [t1] "=&w"(t1), [t2] "=&w"(t2)

#define SIGNBIT_TWO_TRIPLES_READ                                                             \
  [a0] "w"(a.first), [a1] "w"(a.pair), [a2] "w"(a.all), [a3] "w"(b.first), [a4] "w"(b.pair), \
      [a5] "w"(b.all), [at] "r"(at), [first] "i"(16 * kRegister),                            \
      [second] "i"(64 + 16 * kRegister), [third] "i"(128 + 16 * kRegister),                  \
      "m"(*reinterpret_cast<const uint32_t (*)[3 * kWordLanes]>(at))
