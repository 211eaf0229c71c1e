// Kernels for NEON with the dot product of bytes, which adds a word's four counts to a total.
#include "kernels/neon/common.h"
#include "kernels/neon/triples.h"

namespace sbnn {
namespace {

struct Vec : Neon {
  static constexpr const char* kIsa = "neon_dot";
  static constexpr int kDotPixels = 2;
  // 16 sums, 6 words of two windows, 3 of weights, 3 more on their way, and the factors.
  static constexpr int kDotVectors = 2;
  static constexpr int kMostTriples = 1 << 24;  // at a time: a total holds any number
  static constexpr int kMostSingles = 1 << 24;

  struct Sum {
    uint32x4_t total;

    [[gnu::always_inline]] void start(int count) {
      total = vdupq_n_u32(static_cast<uint32_t>(count));
    }
    [[gnu::always_inline]] void flush() {}
    [[gnu::always_inline]] void add_triple(uint8x16_t n, uint8x16_t m) {
      const int8x16_t factors = sum_factors();
      int32x4_t sum = vreinterpretq_s32_u32(total);
      sum = vdotq_laneq_s32(sum, vreinterpretq_s8_u8(n), factors, 0);
      sum = vdotq_laneq_s32(sum, vreinterpretq_s8_u8(m), factors, 1);
      total = vreinterpretq_u32_s32(sum);
    }
    [[gnu::always_inline]] void add_single(uint8x16_t counts) {
      const int32x4_t sum = vreinterpretq_s32_u32(total);
      total = vreinterpretq_u32_s32(
          vdotq_laneq_s32(sum, vreinterpretq_s8_u8(counts), sum_factors(), 2));
    }
  };

  template <int kRegister, typename Triple>
  [[gnu::always_inline]] static void add_triples(const uint32_t* at, const Triple& a,
                                                 const Triple& b, Sum& of_a, Sum& of_b) {
    uint32x4_t w0, w1, w2, t0, t1, t2;
    const int8x16_t factors = sum_factors();
    asm(SIGNBIT_COUNT_TWO_TRIPLES
        "sdot %[sum0].4s, %[t2].16b, %[factors].4b[0]\n"
        "sdot %[sum1].4s, %[w2].16b, %[factors].4b[0]\n"
        "sdot %[sum0].4s, %[t1].16b, %[factors].4b[1]\n"
        "sdot %[sum1].4s, %[w1].16b, %[factors].4b[1]\n"
        : [sum0] "+w"(of_a.total), [sum1] "+w"(of_b.total), SIGNBIT_TWO_TRIPLES_HELD
        : [factors] "w"(factors), SIGNBIT_TWO_TRIPLES_READ);
  }

  // By -1 and by 2, and by 1.
  [[gnu::always_inline]] static int8x16_t sum_factors() {
    return int8x16_t{-1, -1, -1, -1, 2, 2, 2, 2, 1, 1, 1, 1};
  }

  [[gnu::always_inline]] static Counts add_counts(const Counts& a, const Bytes& b) {
    return each<Counts>([&](int i) { return vdotq_u32(a.part[i], b.part[i], vdupq_n_u8(1)); });
  }
};

constexpr bool kByteCounts = false;  // a count is as wide as a total

#include "kernels/neon/dots.inl.h"
//
#include "kernels/generic/dots/finish_dots.inl.h"
//
#include "kernels/generic/table.inl.h"
//
#include "kernels/neon/lane_conv.inl.h"
//
#include "kernels/neon_dot/byte_conv.inl.h"

constexpr KernelTable table_by_lane() {
  KernelTable table = make_table();
  table.real_conv = float_conv;
  table.pixel_bytes = 1;
  table.pixel_conv = byte_conv;
  return table;
}

}  // namespace

const KernelTable kNeonDotKernels = table_by_lane();

}  // namespace sbnn
