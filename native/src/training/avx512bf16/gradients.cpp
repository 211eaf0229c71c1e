// Gradients for AVX-512 with BF16: one instruction multiplies and adds sixteen pairs of bfloat16.
#include "kernels/avx512/common.h"
#include "training/gradients/gradient_kernels.h"

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

// Words 2·i and 2·i + 1 are lane i's pair: a column's bit i moves to the top of its word, where it
// is the sign of what is else +1.
void expand_signs(const SignRowArgs& args) {
  alignas(64) uint16_t shifts[32];
  for (int i = 0; i < 32; ++i) shifts[i] = static_cast<uint16_t>(15 - i / 2);
  const __m512i shift = _mm512_load_si512(shifts);
  const __m512i sign = _mm512_set1_epi16(static_cast<int16_t>(0x8000));
  const __m512i one = _mm512_set1_epi16(0x3f80);
  constexpr __mmask32 kHigh = 0xaaaaaaaau;
  const auto word = [&](int64_t column) {
    return static_cast<int16_t>(
        vector_bits<Steps::kLanes>(args.bits + column * args.pixel_bytes, args.pixel_bytes));
  };
  const auto pair = [&](__m512i words) {  // (words << shift) & sign | one
    return _mm512_ternarylogic_epi32(_mm512_sllv_epi16(words, shift), sign, one, 0xea);
  };
  for (int64_t i = 0; i < args.count; ++i) {
    const int64_t low = args.first + i, high = low + args.pair_distance;
    const bool low_inside = low >= 0 && low < args.width;
    const bool high_inside = high >= 0 && high < args.width;
    __m512i signs = _mm512_setzero_si512();
    if (low_inside && high_inside) {
      signs = pair(_mm512_mask_set1_epi16(_mm512_set1_epi16(word(low)), kHigh, word(high)));
    } else if (low_inside) {
      signs = _mm512_maskz_mov_epi16(~kHigh, pair(_mm512_set1_epi16(word(low))));
    } else if (high_inside) {
      signs = _mm512_maskz_mov_epi16(kHigh, pair(_mm512_set1_epi16(word(high))));
    }
    _mm512_storeu_si512(args.target + i * 64, signs);
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

// Sixteen pairs out of two vectors of float32.
struct PairMaker {
  __m512i order;

  PairMaker() {
    alignas(64) uint16_t words[32];
    for (int i = 0; i < 32; ++i) words[i] = static_cast<uint16_t>(i / 2 + i % 2 * 16);
    order = _mm512_load_si512(words);
  }
  __m512i operator()(__m512 first, __m512 second) const {
    const auto halves = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
    return _mm512_permutexvar_epi16(order, halves);
  }
};

inline __mmask16 first_lanes(int64_t count) {
  return static_cast<__mmask16>(count >= 16 ? 0xffffu : count <= 0 ? 0 : (1u << count) - 1);
}

// Sixteen filters of two pixels at once, eight to each of two tiles.
void copy_filters(const float* grad, int64_t pixels, int64_t channels, int64_t tile_bytes,
                  uint8_t* target) {
  static_assert(Steps::kFilters == 8);
  const PairMaker pair;
  for (int64_t first = 0; first < channels; first += 16, target += 2 * tile_bytes) {
    const __mmask16 lanes = first_lanes(channels - first);
    const float* pixel = grad + first;
    uint8_t* next = target;
    for (int64_t p = 0; p < pixels; p += 2, pixel += 2 * channels, next += 32) {
      const auto second_lanes = static_cast<__mmask16>(p + 1 < pixels ? lanes : 0);
      const __m512i pairs = pair(_mm512_maskz_loadu_ps(lanes, pixel),
                                 _mm512_maskz_loadu_ps(second_lanes, pixel + channels));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(next), _mm512_castsi512_si256(pairs));
      if (channels - first <= 8) continue;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(next + tile_bytes),
                          _mm512_extracti64x4_epi64(pairs, 1));
    }
  }
}

void pack_channels(const float* filter, const float* next_filter, int64_t channels, int vectors,
                   uint8_t* target) {
  const PairMaker pair;
  for (int64_t first = 0; first < 16 * vectors; first += 16, target += 64) {
    const __mmask16 lanes = first_lanes(channels - first);
    const __m512 weights = _mm512_maskz_loadu_ps(lanes, filter + first);
    const __m512 next = next_filter == nullptr ? _mm512_setzero_ps()
                                               : _mm512_maskz_loadu_ps(lanes, next_filter + first);
    _mm512_storeu_si512(target, pair(weights, next));
  }
}

#include "training/generic/table.inl.h"

}  // namespace

const GradientKernels kAvx512Bf16Gradients = make_gradients();

}  // namespace sbnn
