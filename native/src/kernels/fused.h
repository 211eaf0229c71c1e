// Fused multiply-add of float32 that is exact on every platform.
//
// The C library's is right where the CPU has the instruction and in glibc. Others (newlib without
// an FPU, Emscripten, MinGW) compute in double and round twice.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace sbnn {

// a · b + c, rounded once, from double alone. The product of two floats is exact in double. Its sum
// with c is rounded to odd there: of two neighbours between which the exact sum lies, the one whose
// last bit is 1. What is then rounded to float32 can be no tie that the exact sum is not, as double
// has more than two bits more.
[[gnu::noinline, maybe_unused]] static float portable_fused(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = static_cast<double>(c);
  const double sum = product + addend;
  // Knuth's two-sum: sum + error is exact. It is NaN where the sum is not finite.
  const double rounded = sum - product;
  const double error = (product - (sum - rounded)) + (addend - rounded);
  uint64_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  if ((error < 0 || error > 0) && (bits & 1) == 0) {
    // Towards the exact sum: away from zero where the error has the sum's sign. An inexact sum is
    // not 0.
    bits += (error > 0) == (sum > 0) ? uint64_t{1} : ~uint64_t{0};
  }
  double odd;
  std::memcpy(&odd, &bits, sizeof odd);
  return static_cast<float>(odd);
}

static inline float fused(float a, float b, float c) {
#if defined(__FP_FAST_FMAF) || defined(__GLIBC__)
  return std::fma(a, b, c);
#else
  return portable_fused(a, b, c);
#endif
}

}  // namespace sbnn
