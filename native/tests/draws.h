// Random values for a test, the same in every run.
#pragma once

#include <cstdint>
#include <random>

namespace test {

inline std::mt19937_64 random_bits(20240229);

inline int integer(int low, int high) {
  return low + static_cast<int>(random_bits() % static_cast<uint64_t>(high - low + 1));
}

inline float real() { return static_cast<float>(integer(-4000, 4000)) / 777.0f; }

}  // namespace test
