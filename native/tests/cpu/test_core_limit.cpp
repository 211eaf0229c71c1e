// The loops that measure the machine do the work they say, and their limits are remembered.

#include <thread>
#include <vector>

#include "check.h"
#include "cpu/core_limit.h"
#include "cpu/dispatch.h"
#include "cpu/memory.h"

namespace {

void test_work(const sbnn::KernelTable& kernels) {
  sbnn::AlignedArray<int32_t> counts(64);
  const int64_t few = kernels.binary_limit(1, counts.data());
  CHECK(few > 0 && few % (32 * kernels.word_lanes) == 0);
  CHECK(kernels.binary_limit(3, counts.data()) == 3 * few);
  // A result is -2 for each bit that differs. Half of all bits do, more or less.
  for (int lane = 0; lane < kernels.word_lanes; ++lane) {
    const double share = -counts[static_cast<size_t>(lane)] / 2.0 /
                         (3.0 * static_cast<double>(few) / kernels.word_lanes);
    CHECK(share > 0.3 && share < 0.7);
  }

  sbnn::AlignedArray<float> sums(64);
  sums[0] = 2.0f;
  sums[1] = 0.5f;
  const int64_t macs = kernels.real_limit(5, sums.data());
  // Chains begin with 0, 1, 2 and so on, and every step adds 2 · 0.5 to each.
  const double steps = static_cast<double>(macs) / kernels.float_lanes;
  const double chains = steps / (5 * 8);
  for (int lane = 0; lane < kernels.float_lanes; ++lane) {
    CHECK(sums[static_cast<size_t>(lane)] == steps + chains * (chains - 1) / 2);
  }
}

void test_limit(const sbnn::KernelTable& kernels) {
  for (const char* kernel : {"conv_b1_", "conv_f32_"}) {
    double first = 0, second = 0;
    std::thread other([&] { first = sbnn::core_limit(kernels, kernel + std::string("x")); });
    second = sbnn::core_limit(kernels, kernel + std::string("x"));
    other.join();
    CHECK(first > 0 && first == second);
    CHECK(sbnn::core_limit(kernels, kernel) == first);
  }
  for (const char* kernel : {"conv_i16_x", "avg_pool_f32_x", "x_conv_b1_", ""}) {
    CHECK(sbnn::core_limit(kernels, kernel) == 0);
  }
}

}  // namespace

int main() {
  for (const sbnn::KernelTable* kernels : sbnn::usable_kernels()) {
    test_work(*kernels);
    test_limit(*kernels);
  }
  return test::finish();
}
