// a·b + c, rounded once to nearest, ties to even.
//
// A compiler that has the instruction is asked for it. Elsewhere integers do it: fmaf of libraries
// for processors without an FPU rounds twice, and doubles made of integers take longer.
#if defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA) || defined(__FMA__) || \
    defined(__aarch64__) || defined(__riscv_flen)
static float fma_once(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
#else
static uint32_t fma_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// Reads a finite value as mantissa · 2^exponent; bit 23 of the mantissa is set, unless it is 0.
static uint32_t fma_mantissa(uint32_t bits, int32_t* exponent) {
  uint32_t mantissa = bits & 0x7fffffu;
  *exponent = (int32_t)(bits >> 23 & 0xffu) - 150;
  if (*exponent > -150) return mantissa | 0x800000u;
  *exponent = -149;
  while (mantissa != 0 && mantissa < 0x800000u) {
    mantissa <<= 1;
    --*exponent;
  }
  return mantissa;
}

// x / 2^shift; the last bit is also set if anything was lost.
static uint64_t fma_shift(uint64_t x, uint32_t shift) {
  if (shift == 0) return x;
  if (shift > 62) return x != 0;
  return x >> shift | (x << (64 - shift) != 0);
}

static float fma_once(float a, float b, float c) {
  const uint32_t kInfinite = 0x7f800000u;
  const uint32_t a_bits = fma_bits(a), b_bits = fma_bits(b), c_bits = fma_bits(c);
  if ((a_bits & kInfinite) == kInfinite || (b_bits & kInfinite) == kInfinite) return a * b + c;
  if ((c_bits & kInfinite) == kInfinite) return c + c;
  int32_t a_exponent, b_exponent, c_exponent;
  const uint32_t a_mantissa = fma_mantissa(a_bits, &a_exponent);
  const uint32_t b_mantissa = fma_mantissa(b_bits, &b_exponent);
  const uint32_t c_mantissa = fma_mantissa(c_bits, &c_exponent);
  uint32_t negative = (a_bits ^ b_bits) >> 31;
  if (a_mantissa == 0 || b_mantissa == 0) {
    return c_mantissa != 0 || negative == c_bits >> 31 ? c : 0.0f;
  }

  // Both terms begin at bit 60 or 61, so that their sum fits and what is lost below decides ties.
  uint64_t sum = (uint64_t)a_mantissa * b_mantissa << 14;
  uint64_t addend = (uint64_t)c_mantissa << 38;
  int32_t exponent = a_exponent + b_exponent - 14;
  if (addend != 0) {
    const int32_t lower = exponent - (c_exponent - 38);
    if (lower >= 0) {
      addend = fma_shift(addend, (uint32_t)lower);
    } else {
      sum = fma_shift(sum, (uint32_t)-lower);
      exponent -= lower;
    }
    if (negative == c_bits >> 31) {
      sum += addend;
    } else if (sum >= addend) {
      sum -= addend;
    } else {
      sum = addend - sum;
      negative ^= 1;
    }
    if (sum == 0) return 0.0f;
  }

  // The first bit goes to bit 62; of the upper half the last seven bits are rounded away.
  while (sum < (uint64_t)1 << 47) {
    sum <<= 16;
    exponent -= 16;
  }
  while (sum < (uint64_t)1 << 62) {
    sum <<= 1;
    --exponent;
  }
  int32_t field = exponent + 189;
  if (field < 1) {
    sum = fma_shift(sum, (uint32_t)(1 - field));
    field = 1;
  }
  if (field > 254) field = 255;
  const uint32_t upper = (uint32_t)(sum >> 32) | ((uint32_t)sum != 0);
  const uint32_t rounded = (upper + 0x3fu + (upper >> 7 & 1u)) >> 7;
  uint32_t bits = ((uint32_t)(field - 1) << 23) + rounded;
  if (bits > kInfinite) bits = kInfinite;
  bits |= negative << 31;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
#endif
