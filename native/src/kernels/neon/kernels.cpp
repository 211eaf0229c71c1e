// Kernels for NEON as every 64-bit Arm has it: counts are added up byte by byte first.
#include "kernels/neon/common.h"
#include "kernels/neon/triples.h"

namespace sbnn {
namespace {

struct Vec : Neon {
  static constexpr const char* kIsa = "neon";
  static constexpr int kDotPixels = 2;
  static constexpr int kDotVectors = 1;    // with two sums each
  static constexpr int kMostTriples = 31;  // at a time: a byte holds 31 counts of 8
  static constexpr int kMostSingles = 15;  // of 16, as they are doubled

  // The bits of n once and those of m, as bytes; total += 2·twice - once when they are full.
  struct Sum {
    uint32x4_t total;
    uint8x16_t once, twice;

    [[gnu::always_inline]] void start(int count) {
      total = vdupq_n_u32(static_cast<uint32_t>(count));
      once = twice = vdupq_n_u8(0);
    }
    [[gnu::always_inline]] void flush() {
      const uint16x8_t pairs = vaddq_u16(vpaddlq_u8(twice), vpaddlq_u8(twice));
      const int16x8_t sums = vreinterpretq_s16_u16(vsubq_u16(pairs, vpaddlq_u8(once)));
      total = vreinterpretq_u32_s32(vpadalq_s16(vreinterpretq_s32_u32(total), sums));
      once = twice = vdupq_n_u8(0);
    }
    [[gnu::always_inline]] void add_triple(uint8x16_t n, uint8x16_t m) {
      once = vaddq_u8(once, n);
      twice = vaddq_u8(twice, m);
    }
    // Twice, less once.
    [[gnu::always_inline]] void add_single(uint8x16_t counts) {
      once = vaddq_u8(once, counts);
      twice = vaddq_u8(twice, counts);
    }
  };

  template <int kRegister, typename Triple>
  [[gnu::always_inline]] static void add_triples(const uint32_t* at, const Triple& a,
                                                 const Triple& b, Sum& of_a, Sum& of_b) {
    uint32x4_t w0, w1, w2, t0, t1, t2;
    asm(SIGNBIT_COUNT_TWO_TRIPLES
        "add %[once0].16b, %[once0].16b, %[t2].16b\n"
        "add %[once1].16b, %[once1].16b, %[w2].16b\n"
        "add %[twice0].16b, %[twice0].16b, %[t1].16b\n"
        "add %[twice1].16b, %[twice1].16b, %[w1].16b\n"
        : [once0] "+w"(of_a.once), [once1] "+w"(of_b.once), [twice0] "+w"(of_a.twice),
          [twice1] "+w"(of_b.twice), SIGNBIT_TWO_TRIPLES_HELD
        : SIGNBIT_TWO_TRIPLES_READ);
  }

  [[gnu::always_inline]] static Counts add_counts(const Counts& a, const Bytes& b) {
    return each<Counts>([&](int i) { return vpadalq_u16(a.part[i], vpaddlq_u8(b.part[i])); });
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

constexpr KernelTable table_by_lane() {
  KernelTable table = make_table();
  table.real_conv = float_conv;
  return table;
}

}  // namespace

const KernelTable kNeonKernels = table_by_lane();

}  // namespace sbnn
