// Gradients for AVX-512 with BF16: one instruction multiplies and adds sixteen pairs of bfloat16.
#include "kernels/avx512/common.h"
#include "training/gradient_kernels.h"

namespace sbnn {
namespace {

#include "training/generic/vector_bits.inl.h"

struct Steps {
  static constexpr const char* kIsa = "avx512bf16";
  static constexpr int kLanes = 16;
  static constexpr int kUnitValues = 2;
  static constexpr int kVectors = 2;
  static constexpr int kFilters = 8;

  using Sums = __m512;
  using Units = __m512i;

  static Sums none() { return _mm512_setzero_ps(); }
  static Units load_units(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static Units broadcast(const uint8_t* p) { return Avx512::broadcast_word(p); }
  static Sums add(Sums sum, Units x, Units w) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(w));
  }
  static Sums plus(Sums a, Sums b) { return Avx512::add(a, b); }
  static Sums load(const float* p) { return Avx512::load(p); }
  static Sums load_first(const float* p, int count) {
    return Avx512::load_lanes(p, 0, (1u << count) - 1);
  }
  static void store(float* p, Sums v) { Avx512::store(p, v); }
  static void store_first(float* p, Sums v, int count) { Avx512::store_first(p, v, count); }
};

// +1 or -1 as bfloat16, `shift` bits up, in each lane.
template <int kShift>
inline __m512i half_signs(uint32_t bits) {
  const __m512i one = _mm512_set1_epi32(0x3f80 << kShift);
  const __m512i minus = _mm512_set1_epi32(static_cast<int>(0xbf80u << kShift));
  return _mm512_mask_blend_epi32(static_cast<__mmask16>(bits), one, minus);
}

void expand_signs(const SignRowArgs& args) {
  for (int64_t i = 0; i < args.count; ++i) {
    const int64_t low = args.first + i, high = low + args.pair_distance;
    __m512i pair = _mm512_setzero_si512();
    const auto bits = [&](int64_t column) {
      return vector_bits<Steps::kLanes>(args.bits + column * args.pixel_bytes, args.pixel_bytes);
    };
    if (low >= 0 && low < args.width) pair = half_signs<0>(bits(low));
    if (high >= 0 && high < args.width) pair = _mm512_or_si512(pair, half_signs<16>(bits(high)));
    _mm512_storeu_si512(args.target + i * 64, pair);
  }
}

void copy_pixels(const float* grad, int64_t pixels, int64_t channels, int64_t pixel_bytes,
                 uint8_t* target) {
  for (int64_t p = 0; p < pixels; ++p, grad += channels, target += pixel_bytes) {
    auto* next = reinterpret_cast<__m256i*>(target);
    int64_t c = 0;
    for (; c + 16 <= channels; c += 16) {
      const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_loadu_ps(grad + c));
      _mm256_storeu_si256(next++, reinterpret_cast<__m256i>(rounded));
    }
    if (c == channels) continue;
    const auto lanes = static_cast<__mmask16>((1u << (channels - c)) - 1);
    const auto units = static_cast<__mmask8>((1u << ((channels - c + 1) / 2)) - 1);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lanes, grad + c));
    _mm256_mask_storeu_epi32(next, units, reinterpret_cast<__m256i>(rounded));
  }
}

// Eight filters of two pixels as eight pairs.
inline void store_pairs(__m256 first, __m256 second, uint8_t* target) {
  const auto low = reinterpret_cast<__m128i>(_mm256_cvtneps_pbh(first));
  const auto high = reinterpret_cast<__m128i>(_mm256_cvtneps_pbh(second));
  auto* const pairs = reinterpret_cast<__m128i*>(target);
  _mm_storeu_si128(pairs, _mm_unpacklo_epi16(low, high));
  _mm_storeu_si128(pairs + 1, _mm_unpackhi_epi16(low, high));
}

void copy_filters(const float* grad, int64_t pixels, int64_t channels, int64_t tile_bytes,
                  uint8_t* target) {
  static_assert(Steps::kFilters == 8);
  for (int64_t first = 0; first < channels; first += 8, target += tile_bytes) {
    const int64_t count = channels - first;
    const auto lanes = static_cast<__mmask8>(count < 8 ? (1u << count) - 1 : 0xffu);
    const float* pixel = grad + first;
    uint8_t* next = target;
    int64_t p = 0;
    for (; p + 2 <= pixels; p += 2, pixel += 2 * channels, next += 32) {
      store_pairs(_mm256_maskz_loadu_ps(lanes, pixel),
                  _mm256_maskz_loadu_ps(lanes, pixel + channels), next);
    }
    if (p < pixels) store_pairs(_mm256_maskz_loadu_ps(lanes, pixel), _mm256_setzero_ps(), next);
  }
}

uint32_t weight_unit(float first, float second) {
  const auto half = [](float x) { return x < 0 ? 0xbf80u : x > 0 ? 0x3f80u : 0u; };
  return half(first) | half(second) << 16;
}

#include "training/generic/table.inl.h"

}  // namespace

const GradientKernels kAvx512Bf16Gradients = make_gradients();

}  // namespace sbnn
