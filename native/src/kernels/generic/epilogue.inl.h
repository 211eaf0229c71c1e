// The common epilogue over the vocabulary `Vec`, one pass over a tile that is still in L1:
// affine step, shortcut, activation, offset, store of the real and of the packed signs.
// It goes strip by strip. One word of channels after the other goes through all pixels, so that its
// constants stay in registers.

#include "kernels/generic/strip.inl.h"

template <int V>
struct ChannelConstants {
  typename Vec::Floats scale[V], shift[V], slope[V], positive[V], threshold[V];
  int64_t shortcut[V];  // the first channel that each vector reads; may be outside the tensor

  // Constants that the node lacks are 0 and not used. `threshold` is the first sign output's.
  ChannelConstants(const EpilogueArgs& args, int64_t c) {
    fill(scale, args.scale, c);
    fill(shift, args.shift, c);
    const bool maxout = args.activation == Activation::kMaxout;
    fill(slope, maxout || args.activation == Activation::kPrelu ? args.slope : nullptr, c);
    fill(positive, maxout ? args.positive_slope : nullptr, c);
    for (int i = 0; i < V; ++i) {
      const int64_t first = c + i * Vec::kFloatLanes;
      shortcut[i] =
          args.shortcut_repeats ? first % args.shortcut_channels : first - args.shortcut_offset;
    }
    fill(threshold, args.sign_count > 0 ? args.signs[0].threshold : nullptr, c);
  }

  static void fill(typename Vec::Floats (&vectors)[V], const float* constant, int64_t c) {
#pragma GCC unroll 16
    for (int i = 0; i < V; ++i) {
      vectors[i] =
          constant == nullptr ? Vec::set(0.0f) : Vec::load(constant + c + i * Vec::kFloatLanes);
    }
  }
};

// A vector that the tensor's channels do not fill: +0.0 outside, or channel 0 and so on again where
// it repeats. Apart, as its code would be in every step otherwise.
[[gnu::noinline]] typename Vec::Floats load_edge(const float* pixel, int64_t first,
                                                 int64_t channels, bool repeats) {
  if (repeats) {
    float lanes[Vec::kFloatLanes];
    for (float& lane : lanes) {
      lane = pixel[first];
      first = first + 1 == channels ? 0 : first + 1;
    }
    return Vec::load(lanes);
  }
  if (first >= channels || first + Vec::kFloatLanes <= 0) return Vec::set(0.0f);
  uint32_t lanes = (uint32_t{1} << Vec::kFloatLanes) - 1;
  if (first < 0) lanes &= lanes << -first;
  if (first + Vec::kFloatLanes > channels) lanes &= lanes >> (first + Vec::kFloatLanes - channels);
  return Vec::load_lanes(pixel, first, lanes);
}

// Channels of a shortcut pixel from tensor channel `first` on.
inline typename Vec::Floats load_shortcut(const EpilogueArgs& args, const float* pixel,
                                          int64_t first) {
  const int64_t channels = args.shortcut_channels;
  if (first >= 0 && first + Vec::kFloatLanes <= channels) return Vec::load(pixel + first);
  return load_edge(pixel, first, channels, args.shortcut_repeats);
}

// Which kind of values each step takes, and what it does to them.
template <bool integer, Activation activation>
struct Values {
  static constexpr bool kInteger = integer;
  static constexpr Activation kActivation = activation;
};

template <typename K, int V, int P, bool kPartial>
struct Step {
  using Pixels = Strip<V, P, kPartial>;
  using Values = typename Pixels::Values;
  static constexpr int kLanes = Vec::kFloatLanes;

  const EpilogueArgs& args;
  const ChannelConstants<V>& constants;
  Pixels strip;

  Step(const EpilogueArgs& all, const ChannelConstants<V>& of_channels, int64_t c, int64_t count)
      : args(all),
        constants(of_channels),
        strip{c, count, c + count == all.channel_begin + all.channel_count} {}

  // The pixels from number `pixel` of a run on.
  void finish(const EpilogueRun& run, int run_index, int64_t pixel) const {
    const int64_t c = strip.c;
    const int32_t* const values = run.values + pixel * args.value_step + (c - args.channel_begin);
    Values v;
    if (args.wants_real) {
      Pixels::template load<K::kInteger>(values, args.value_step, v);
      if (args.scale != nullptr) {
        Pixels::each([&](int p, int i) {
          v[p][i] = Vec::fma(v[p][i], constants.scale[i], constants.shift[i]);
        });
      }
      if (run.shortcut != nullptr) add_shortcut(run.shortcut + pixel * args.shortcut_step, v);
      Pixels::each([&](int p, int i) {
        v[p][i] = activate<K::kActivation>(v[p][i], constants.slope[i], constants.positive[i]);
      });
      if (args.offset != nullptr) {
        Pixels::each([&](int p, int i) {
          v[p][i] = Vec::add(v[p][i], Vec::load(args.offset + c + i * kLanes));
        });
      }
      if (run.real != nullptr) {
        strip.store_reals(run.real + pixel * args.real_step + c, args.real_step, v);
      }
    } else {
      Pixels::each([&](int p, int i) { v[p][i] = Vec::set(0.0f); });  // not used
    }
    if (args.sign_count == 0) return;
    const SignArgs& first = args.signs[0];
    uint64_t negative;
    if (first.integer_threshold != nullptr) {
      negative = strip.compare_integers(values, args.value_step, first);
    } else {
      negative =
          Pixels::gather([&](int p, int i) { return Vec::less(v[p][i], constants.threshold[i]); });
    }
    strip.store_word(first, first.pixels[run_index] + pixel * first.pixel_bytes, negative);
    for (int s = 1; s < args.sign_count; ++s) {
      const SignArgs& signs = args.signs[s];
      if (signs.integer_threshold != nullptr) {
        negative = strip.compare_integers(values, args.value_step, signs);
      } else {
        negative = Pixels::gather([&](int p, int i) {
          return Vec::less(v[p][i], Vec::load(signs.threshold + c + i * kLanes));
        });
      }
      strip.store_word(signs, signs.pixels[run_index] + pixel * signs.pixel_bytes, negative);
    }
  }

 private:
  void add_shortcut(const float* shortcut, Values& v) const {
    const int64_t c = strip.c;
    if (args.shortcut_offset == 0 && c + V * kLanes <= args.shortcut_channels) {
      Pixels::each([&](int p, int i) {
        const float* const at = shortcut + p * args.shortcut_step + c + i * kLanes;
        v[p][i] = Vec::add(v[p][i], Vec::load(at));
      });
    } else {
      Pixels::each([&](int p, int i) {
        const float* const at = shortcut + p * args.shortcut_step;
        v[p][i] = Vec::add(v[p][i], load_shortcut(args, at, constants.shortcut[i]));
      });
    }
  }
};

// The last pixels of a run, vector by vector.
template <typename K>
inline void finish_rest(const EpilogueArgs& args, const EpilogueRun& run, int run_index,
                        int64_t pixel) {
  for (; pixel < run.pixels; ++pixel) {
    for (int64_t c = 0; c < args.channel_count; c += Vec::kFloatLanes) {
      const ChannelConstants<1> constants(args, c);
      const Step<K, 1, 1, true> step(args, constants, c, Vec::kFloatLanes);
      step.finish(run, run_index, pixel);
    }
  }
}

template <typename K, int V, int P, bool kPartial = false>
inline void finish_channels(const EpilogueArgs& shared, int64_t c, int64_t count) {
  const EpilogueArgs args = shared;  // a copy that no store can alias
  const ChannelConstants<V> constants(args, c);
  const Step<K, V, P, kPartial> step(args, constants, c, count);
  for (int r = 0; r < args.run_count; ++r) {
    const EpilogueRun run = args.runs[r];
    int64_t pixel = 0;
    for (; pixel + P <= run.pixels; pixel += P) step.finish(run, r, pixel);
    if constexpr (P > 1) finish_rest<K>(args, run, r, pixel);
  }
}

inline bool is_dense(const EpilogueArgs& args, int64_t channels) {
  if (args.channel_count != channels || args.channel_begin != 0) return false;
  for (int s = 0; s < args.sign_count; ++s) {
    if (!is_dense(args.signs[s], channels)) return false;
  }
  return true;
}

inline bool has_gaps(const EpilogueArgs& args) {
  for (int s = 0; s < args.sign_count; ++s) {
    if (args.signs[s].group_bytes != 0) return true;
  }
  return false;
}

template <typename K>
inline void finish(const EpilogueArgs& args) {
  constexpr int kVectors = 64 / Vec::kFloatLanes;  // of a word
  if (is_dense(args, 16)) return finish_channels<K, kVectors / 4, 4>(args, 0, 16);
  if (is_dense(args, 32)) return finish_channels<K, kVectors / 2, 2>(args, 0, 32);
  const int64_t end = args.channel_begin + args.channel_count;
  int64_t c = args.channel_begin;
  if (!has_gaps(args)) {
    for (; c + 64 <= end; c += 64) finish_channels<K, kVectors, 1>(args, c, 64);
  }
  for (; c < end; c += Vec::kFloatLanes) {
    const int64_t count = end - c < Vec::kFloatLanes ? end - c : Vec::kFloatLanes;
    finish_channels<K, 1, 1, true>(args, c, count);
  }
}

template <bool kInteger>
inline void finish_as(const EpilogueArgs& args) {
  switch (args.activation) {
    case Activation::kNone:
      return finish<Values<kInteger, Activation::kNone>>(args);
    case Activation::kRelu:
      return finish<Values<kInteger, Activation::kRelu>>(args);
    case Activation::kHardtanh:
      return finish<Values<kInteger, Activation::kHardtanh>>(args);
    case Activation::kPrelu:
      return finish<Values<kInteger, Activation::kPrelu>>(args);
    case Activation::kSigmoid:
      return finish<Values<kInteger, Activation::kSigmoid>>(args);
    case Activation::kMaxout:
      return finish<Values<kInteger, Activation::kMaxout>>(args);
  }
}

void epilogue(const EpilogueArgs& args) {
  if (args.integer) {
    finish_as<true>(args);
  } else {
    finish_as<false>(args);
  }
}
