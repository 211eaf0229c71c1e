// A strip of values over the vocabulary `Vec`: V vectors of channels of P pixels that lie side by
// side, whose signs make one word. A word is 64 channels of a pixel or, of pixels of 32 or 16
// channels, 2 or 4 of them; or one vector of one pixel where `kPartial`.
#pragma once

#include "kernels/generic/sign_words.inl.h"

template <int V, int P, bool kPartial>
struct Strip {
  static constexpr int kLanes = Vec::kFloatLanes;
  static constexpr int kBits = V * P * kLanes;
  static_assert(kBits <= 64 && (!kPartial || (V == 1 && P == 1)), "a strip has one word of signs");
  using Values = typename Vec::Floats[P][V];

  int64_t c;      // its first channel
  int64_t count;  // V vectors of channels, or less where kPartial
  bool is_last;   // of its pixels' channels: then the bits behind them are cleared

  // Calls function(p, i) for each vector.
  template <typename Function>
  static void each(Function function) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
      for (int i = 0; i < V; ++i) function(p, i);
    }
  }

  // The word of the signs that compare(p, i) gives of each vector.
  template <typename Compare>
  static uint64_t gather(Compare compare) {
    uint64_t word = 0;
    each([&](int p, int i) { word |= compare(p, i) << ((p * V + i) * kLanes); });
    return word;
  }

  uint64_t compare_integers(const int32_t* values, int64_t step, const SignArgs& signs) const {
    return gather([&](int p, int i) {
      return Vec::less_ints(Vec::load_ints(values + p * step + i * kLanes),
                            Vec::load_ints(signs.integer_threshold + c + i * kLanes));
    });
  }

  // v0, whose pixels are `step` apart.
  template <bool kInteger>
  static void load(const int32_t* values, int64_t step, Values& v) {
    each([&](int p, int i) {
      const int32_t* const at = values + p * step + i * kLanes;
      if constexpr (kInteger) {
        v[p][i] = Vec::to_floats(Vec::load_ints(at));
      } else {
        v[p][i] = Vec::load(reinterpret_cast<const float*>(at));
      }
    });
  }

  // To the first pixel's channel c on.
  void store_reals(float* real, int64_t step, const Values& v) const {
    if (kPartial && count < kLanes) {
      Vec::store_first(real, v[0][0], static_cast<int>(count));
      return;
    }
    each([&](int p, int i) { Vec::store(real + p * step + i * kLanes, v[p][i]); });
  }

  // To the first pixel's signs, from channel 0 on.
  void store_word(const SignArgs& signs, uint8_t* pixel, uint64_t negative) const {
    uint64_t flip = signs.flip[c / 64] >> (c % 64);
    const int64_t bits = kPartial ? count : V * kLanes;
    if (bits < 64) flip &= (uint64_t{1} << bits) - 1;
    if constexpr (P == 2) flip |= flip << 32;
    if constexpr (P == 4) flip *= 0x0001000100010001u;
    uint64_t word = negative ^ flip;
    if constexpr (kPartial) {
      word &= (uint64_t{1} << count) - 1;
      if (signs.group_bytes != 0) {
        spread_signs(signs, pixel, word, c, count);
        return;
      }
    }
    const int64_t left = signs.pixel_bytes - c / 8;
    if constexpr (kBits == 64) {
      store_signs(pixel + c / 8, word, 8);
    } else {
      store_signs(pixel + c / 8, word, is_last && left < 8 ? left : is_last ? 8 : kBits / 8);
    }
  }
};

// Whether every pixel of some signs is `channels` bits and no more, so that neighbours' bits lie
// side by side.
inline bool is_dense(const SignArgs& signs, int64_t channels) {
  return signs.group_bytes == 0 && signs.pixel_bytes * 8 == channels;
}
