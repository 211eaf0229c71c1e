// The portable fused multiply-add against the C library's where that is right, and in cases where
// rounding to double first gives another float32.

#include "check.h"
#include "draws.h"
#include "kernels/fused.h"

namespace {

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float from_bits(uint64_t bits) {
  const auto low = static_cast<uint32_t>(bits);
  float value;
  std::memcpy(&value, &low, sizeof value);
  return value;
}

// Products (1 + i·2^-12)·(1 + j·2^-12) of odd i and j lie half-way between two float32. An addend
// far below double's last bit decides between them, and is lost where double rounds to nearest.
void test_ties() {
  int double_rounding = 0;
  for (int i = 1; i < 32; i += 2) {
    for (int j = 1; j < 32; j += 2) {
      for (const float addend : {0x1p-70f, -0x1p-70f}) {
        const float a = 1.0f + static_cast<float>(i) * 0x1p-12f;
        const float b = 1.0f + static_cast<float>(j) * 0x1p-12f;
        // The product is an odd number of 2^-24; a float32 in [1, 2) is a whole number of 2^-23.
        const int64_t below = (int64_t{4096} + i) * (4096 + j) / 2;
        const auto expected = static_cast<float>(below + (addend > 0 ? 1 : 0)) * 0x1p-23f;
        CHECK(bits_of(sbnn::portable_fused(a, b, addend)) == bits_of(expected));
        CHECK(bits_of(sbnn::fused(a, b, addend)) == bits_of(expected));
        const double twice = static_cast<double>(a) * b + static_cast<double>(addend);
        double_rounding += bits_of(static_cast<float>(twice)) != bits_of(expected);
      }
    }
  }
  CHECK(double_rounding > 100);
}

void test_any_bits() {
  for (int i = 0; i < 300000; ++i) {
    const float a = from_bits(test::random_bits()), b = from_bits(test::random_bits());
    float c = from_bits(test::random_bits());
    // Mostly near minus the product, where bits cancel, and among subnormals.
    if (i % 3 == 1) c = -(a * b) * (1.0f + test::real() * 1e-6f);
    if (i % 3 == 2) c *= 0x1p-100f;
    const float expected = sbnn::fused(a, b, c), actual = sbnn::portable_fused(a, b, c);
    CHECK(bits_of(expected) == bits_of(actual) || (expected != expected && actual != actual));
  }
}

}  // namespace

int main() {
  test_ties();
  test_any_bits();
  return test::finish();
}
