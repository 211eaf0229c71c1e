// The common epilogue over the vocabulary `Vec`, one pass over a tile that is still in L1:
// affine step, shortcut, activation, offset, store of the real and of the packed signs.
//
// A step finishes P pixels of V vectors of channels. Where it can it is a whole word of signs: 64
// channels of a pixel, or, of pixels of 32 or 16 channels, 2 or 4 that lie side by side. One word
// of channels after the other goes through all pixels, so that its constants stay in registers.

#include "kernels/generic/sign_words.inl.h"

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

// The channels [c, c + count) of the pixels from number `pixel` of a run on. `count` is V vectors,
// or less where kPartial, which is for one vector of one pixel.
template <typename K, int V, int P, bool kPartial>
struct Step {
  static constexpr int kLanes = Vec::kFloatLanes;
  static constexpr int kBits = V * P * kLanes;
  static_assert(kBits <= 64 && (!kPartial || (V == 1 && P == 1)), "a step has one word of signs");

  const EpilogueArgs& args;
  const ChannelConstants<V>& constants;
  int64_t c;
  int64_t count;

  void finish(const EpilogueRun& run, int run_index, int64_t pixel) const {
    const int32_t* const values = run.values + pixel * args.value_step + (c - args.channel_begin);
    typename Vec::Floats v[P][V];
    if (args.wants_real) {
      load_values(values, v);
      if (run.shortcut != nullptr) add_shortcut(run.shortcut + pixel * args.shortcut_step, v);
      each([&](int p, int i) {
        v[p][i] = activate<K::kActivation>(v[p][i], constants.slope[i], constants.positive[i]);
      });
      if (args.offset != nullptr) {
        each([&](int p, int i) {
          v[p][i] = Vec::add(v[p][i], Vec::load(args.offset + c + i * kLanes));
        });
      }
      if (run.real != nullptr) store_reals(run.real + pixel * args.real_step + c, v);
    } else {
      each([&](int p, int i) { v[p][i] = Vec::set(0.0f); });  // not used
    }
    if (args.sign_count == 0) return;
    const SignArgs& first = args.signs[0];
    uint64_t negative;
    if (first.integer_threshold != nullptr) {
      negative = compare_integers(values, first);
    } else {
      negative = gather([&](int p, int i) { return Vec::less(v[p][i], constants.threshold[i]); });
    }
    write(first, first.pixels[run_index] + pixel * first.pixel_bytes, negative);
    for (int s = 1; s < args.sign_count; ++s) {
      const SignArgs& signs = args.signs[s];
      if (signs.integer_threshold != nullptr) {
        negative = compare_integers(values, signs);
      } else {
        negative = gather([&](int p, int i) {
          return Vec::less(v[p][i], Vec::load(signs.threshold + c + i * kLanes));
        });
      }
      write(signs, signs.pixels[run_index] + pixel * signs.pixel_bytes, negative);
    }
  }

 private:
  template <typename Function>
  static void each(Function function) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
      for (int i = 0; i < V; ++i) function(p, i);
    }
  }

  template <typename Compare>
  static uint64_t gather(Compare compare) {
    uint64_t word = 0;
    each([&](int p, int i) { word |= compare(p, i) << ((p * V + i) * kLanes); });
    return word;
  }

  uint64_t compare_integers(const int32_t* values, const SignArgs& signs) const {
    return gather([&](int p, int i) {
      return Vec::less_ints(Vec::load_ints(values + p * args.value_step + i * kLanes),
                            Vec::load_ints(signs.integer_threshold + c + i * kLanes));
    });
  }

  void load_values(const int32_t* values, typename Vec::Floats (&v)[P][V]) const {
    each([&](int p, int i) {
      const int32_t* const at = values + p * args.value_step + i * kLanes;
      if constexpr (K::kInteger) {
        v[p][i] = Vec::to_floats(Vec::load_ints(at));
      } else {
        v[p][i] = Vec::load(reinterpret_cast<const float*>(at));
      }
    });
    if (args.scale == nullptr) return;
    each(
        [&](int p, int i) { v[p][i] = Vec::fma(v[p][i], constants.scale[i], constants.shift[i]); });
  }

  void add_shortcut(const float* shortcut, typename Vec::Floats (&v)[P][V]) const {
    if (args.shortcut_offset == 0 && c + V * kLanes <= args.shortcut_channels) {
      each([&](int p, int i) {
        const float* const at = shortcut + p * args.shortcut_step + c + i * kLanes;
        v[p][i] = Vec::add(v[p][i], Vec::load(at));
      });
    } else {
      each([&](int p, int i) {
        const float* const at = shortcut + p * args.shortcut_step;
        v[p][i] = Vec::add(v[p][i], load_shortcut(args, at, constants.shortcut[i]));
      });
    }
  }

  void store_reals(float* real, const typename Vec::Floats (&v)[P][V]) const {
    if (kPartial && count < kLanes) {
      Vec::store_first(real, v[0][0], static_cast<int>(count));
      return;
    }
    each([&](int p, int i) { Vec::store(real + p * args.real_step + i * kLanes, v[p][i]); });
  }

  void write(const SignArgs& signs, uint8_t* pixel, uint64_t negative) const {
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
    // A pixel's last word also clears the bits behind its channels.
    const bool is_last = c + count == args.channel_begin + args.channel_count;
    const int64_t left = signs.pixel_bytes - c / 8;
    if constexpr (kBits == 64) {
      store_signs(pixel + c / 8, word, 8);
    } else {
      store_signs(pixel + c / 8, word, is_last && left < 8 ? left : is_last ? 8 : kBits / 8);
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
      const Step<K, 1, 1, true> step{args, constants, c, Vec::kFloatLanes};
      step.finish(run, run_index, pixel);
    }
  }
}

template <typename K, int V, int P, bool kPartial = false>
inline void finish_channels(const EpilogueArgs& shared, int64_t c, int64_t count) {
  const EpilogueArgs args = shared;  // a copy that no store can alias
  const ChannelConstants<V> constants(args, c);
  const Step<K, V, P, kPartial> step{args, constants, c, count};
  for (int r = 0; r < args.run_count; ++r) {
    const EpilogueRun run = args.runs[r];
    int64_t pixel = 0;
    for (; pixel + P <= run.pixels; pixel += P) step.finish(run, r, pixel);
    if constexpr (P > 1) finish_rest<K>(args, run, r, pixel);
  }
}

// Whether every pixel is `channels` bits and no more, so that neighbours' bits lie side by side.
inline bool is_dense(const EpilogueArgs& args, int64_t channels) {
  if (args.channel_count != channels || args.channel_begin != 0) return false;
  for (int s = 0; s < args.sign_count; ++s) {
    if (args.signs[s].group_bytes != 0 || args.signs[s].pixel_bytes * 8 != channels) return false;
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
