// Binary dots whose epilogue follows in registers, over the vocabulary `Vec`: the dots are never
// stored. For nodes as FinishDotsArgs describes them; all others store their dots, then run
// `epilogue` over them. Both do the same operations on each value.
#include "kernels/generic/activation.inl.h"
#include "kernels/generic/dots/binary_dot.inl.h"

// The signs of one vector of channels, from channel c on.
struct LaneSigns {
  uint8_t* const* pixels;
  int64_t byte;
  uint32_t flip;

  LaneSigns(const FinishDotsArgs& finish, int64_t c)
      : pixels(finish.signs),
        byte(c / 8),
        flip(finish.signs == nullptr ? 0 : static_cast<uint32_t>(finish.flip[c / 64] >> (c % 64))) {
  }

  void store(int pixel, uint64_t negative) const {
    const uint32_t word = static_cast<uint32_t>(negative) ^ flip;
    __builtin_memcpy(pixels[pixel] + byte, &word, Vec::kWordLanes / 8);
  }
};

// What becomes of the dots where the epilogue has a real value. A maxout is the general case, see
// FinishDotsArgs.
template <Activation activation>
struct FinishReals {
  static constexpr bool kMaxout = activation == Activation::kMaxout;

  struct Sink {
    const float* scale;
    const float* shift;
    const float* slope;
    const float* positive_slope;
    const float* offset;
    const float* threshold;
    const float* shortcut;
    int64_t shortcut_step;
    float* real;
    int64_t step;
    int64_t c;
    LaneSigns signs;

    void take(int pixel, const int32_t* base, typename Vec::Totals differing) const {
      typename Vec::Floats v = Vec::to_floats(Vec::dots(base + c, differing));
      v = Vec::fma(v, Vec::load(scale), Vec::load(shift));
      if (shortcut != nullptr) {
        const int64_t between = kMaxout ? shortcut_step : step;
        v = Vec::add(v, Vec::load(shortcut + pixel * between));
      }
      if constexpr (kMaxout) {
        v = activate<activation>(v, Vec::load(slope), Vec::load(positive_slope));
        v = Vec::add(v, Vec::load(offset));
      } else if constexpr (activation == Activation::kPrelu) {
        v = activate<activation>(v, Vec::load(slope), v);
      } else {
        v = activate<activation>(v, v, v);
      }
      if (real != nullptr) Vec::store(real + pixel * step, v);
      if (signs.pixels != nullptr) signs.store(pixel, Vec::less(v, Vec::load(threshold)));
    }
  };

  int64_t first_filter;
  const FinishDotsArgs& finish;

  Sink of(int64_t filter) const {
    const int64_t c = first_filter + filter;
    const auto at = [&](auto* values) { return values == nullptr ? nullptr : values + c; };
    const float* shortcut = at(finish.shortcut);
    if (kMaxout && shortcut != nullptr) shortcut = finish.shortcut + c % finish.shortcut_channels;
    return {at(finish.scale),
            at(finish.shift),
            at(finish.slope),
            at(finish.positive_slope),
            at(finish.offset),
            at(finish.threshold),
            shortcut,
            finish.shortcut_channels,
            at(finish.real),
            finish.step,
            c,
            LaneSigns(finish, c)};
  }
};

// What becomes of them where only the dots' signs are asked for.
struct FinishSigns {
  struct Sink {
    const int32_t* threshold;
    int64_t c;
    LaneSigns signs;

    void take(int pixel, const int32_t* base, typename Vec::Totals differing) const {
      signs.store(pixel, Vec::less_ints(Vec::dots(base + c, differing), Vec::load_ints(threshold)));
    }
  };

  int64_t first_filter;
  const FinishDotsArgs& finish;

  Sink of(int64_t filter) const {
    const int64_t c = first_filter + filter;
    return {finish.integer_threshold + c, c, LaneSigns(finish, c)};
  }
};

void finish_dots(const BinaryDotArgs& dots, const FinishDotsArgs& finish) {
  if (finish.integer_threshold != nullptr) {
    dot_windows(dots, FinishSigns{dots.first_filter, finish});
  } else if (finish.activation == Activation::kPrelu) {
    dot_windows(dots, FinishReals<Activation::kPrelu>{dots.first_filter, finish});
  } else if (finish.activation == Activation::kHardtanh) {
    dot_windows(dots, FinishReals<Activation::kHardtanh>{dots.first_filter, finish});
  } else if (finish.activation == Activation::kMaxout) {
    dot_windows(dots, FinishReals<Activation::kMaxout>{dots.first_filter, finish});
  } else {
    dot_windows(dots, FinishReals<Activation::kNone>{dots.first_filter, finish});
  }
}

constexpr auto kFinishDots = finish_dots;
