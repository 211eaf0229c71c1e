// Chains of steps over the vocabulary `Vec`: what an epilogue does to common chains, for any. Some
// strips at a time go through all steps, so that a step is chosen once for several vectors, and
// their values never leave the registers.

#include "kernels/generic/steps.inl.h"

// The strips of so many vectors go through a chain together.
constexpr int kChainVectors = 8;

template <int V, int P, int W, bool kPartial>
struct ChainStrips {
  using Pixels = Strip<V, P, kPartial>;
  using Steps = StepStrips<V, P, W, kPartial>;
  using Values = typename Steps::Values;
  static constexpr int kPixels = P * W;

  const ChainArgs& args;
  Pixels strip;

  ChainStrips(const ChainArgs& all, int64_t c, int64_t count)
      : args(all), strip{c, count, is_end(all, c + count)} {}

  // The pixels from number `pixel` of run number `r` on.
  void finish(int r, int64_t pixel) const {
    const int32_t* const integers =
        args.runs[r].values + pixel * args.value_step + (strip.c - args.channel_begin);
    const Steps steps{strip, r, pixel, (r == 0 ? args.first_column : 0) + pixel};
    Values v;
    for (int w = 0; w < W; ++w) {
      const int32_t* const values = integers + w * P * args.value_step;
      if (args.integer) {
        Pixels::template load<true>(values, args.value_step, v[w]);
      } else {
        Pixels::template load<false>(values, args.value_step, v[w]);
      }
    }
    int done = 0;
    for (const StoreArgs* store = args.stores; store != args.stores + args.store_count; ++store) {
      for (; done < store->after; ++done) steps.take(args.steps[done], v);
      if (store->real != nullptr) {
        put_reals(*store, r, pixel, v);
      } else {
        put_signs(store->signs, r, pixel, integers, v);
      }
    }
  }

 private:
  // Whether a pixel's channels end there. Other chunks than a pixel's last end with a whole word.
  static bool is_end(const ChainArgs& all, int64_t c) {
    return c == all.channel_begin + all.channel_count && c % 64 != 0;
  }

  void put_reals(const StoreArgs& store, int r, int64_t pixel, const Values& v) const {
    float* const real = reinterpret_cast<float*>(store.real[r]) + pixel * args.real_step + strip.c;
    for (int w = 0; w < W; ++w) {
      strip.store_reals(real + w * P * args.real_step, args.real_step, v[w]);
    }
  }

  void put_signs(const SignArgs& signs, int r, int64_t pixel, const int32_t* integers,
                 const Values& v) const {
    uint8_t* const first = signs.pixels[r] + pixel * signs.pixel_bytes;
    for (int w = 0; w < W; ++w) {
      uint64_t negative;
      if (signs.integer_threshold != nullptr) {
        negative =
            strip.compare_integers(integers + w * P * args.value_step, args.value_step, signs);
      } else {
        negative = Pixels::gather([&](int p, int i) {
          const float* const threshold = signs.threshold + strip.c + i * Vec::kFloatLanes;
          return Vec::less(v[w][p][i], Vec::load(threshold));
        });
      }
      strip.store_word(signs, first + w * P * signs.pixel_bytes, negative);
    }
  }
};

// The channels [c, c + count) of all pixels: so many strips at a time, then what is left of a run.
template <int V, int P, bool kPartial>
inline void chain_channels(const ChainArgs& shared, int64_t c, int64_t count) {
  constexpr int W = kChainVectors / (V * P);
  const ChainArgs args = shared;  // a copy that no store can alias
  const ChainStrips<V, P, W, kPartial> strips(args, c, count);
  for (int r = 0; r < args.run_count; ++r) {
    const int64_t pixels = args.runs[r].pixels;
    int64_t pixel = 0;
    for (; pixel + P * W <= pixels; pixel += P * W) strips.finish(r, pixel);
    for (int64_t part = c; part < c + count && pixel < pixels; part += Vec::kFloatLanes) {
      const int64_t left = c + count - part;
      const int64_t lanes = left < Vec::kFloatLanes ? left : Vec::kFloatLanes;
      const ChainStrips<1, 1, 1, true> rest(args, part, lanes);
      for (int64_t i = pixel; i < pixels; ++i) rest.finish(r, i);
    }
  }
}

inline bool is_dense(const ChainArgs& args, int64_t channels) {
  if (args.channel_count != channels || args.channel_begin != 0) return false;
  for (int i = 0; i < args.store_count; ++i) {
    const StoreArgs& store = args.stores[i];
    if (store.real == nullptr && !is_dense(store.signs, channels)) return false;
  }
  return true;
}

inline bool has_gaps(const ChainArgs& args) {
  for (int i = 0; i < args.store_count; ++i) {
    const StoreArgs& store = args.stores[i];
    if (store.real == nullptr && store.signs.group_bytes != 0) return true;
  }
  return false;
}

inline bool has_short_steps(const ChainArgs& args, int64_t c, int64_t count) {
  for (int s = 0; s < args.step_count; ++s) {
    if (!is_short(args.steps[s], c, count)) return false;
  }
  return true;
}

// Channels [c, c + count), one vector after the other.
inline void chain_vectors(const ChainArgs& args, int64_t c, int64_t count) {
  for (const int64_t end = c + count; c < end; c += Vec::kFloatLanes) {
    const int64_t left = end - c;
    chain_channels<1, 1, true>(args, c, left < Vec::kFloatLanes ? left : Vec::kFloatLanes);
  }
}

void chain(const ChainArgs& args) {
  constexpr int kVectors = 64 / Vec::kFloatLanes;  // of a word
  const int64_t end = args.channel_begin + args.channel_count;
  const bool has_words = !has_gaps(args);
  for (int64_t c = args.channel_begin; c < end; c += 64) {
    const int64_t count = end - c < 64 ? end - c : 64;
    const bool is_word = has_words && has_short_steps(args, c, count);
    if (is_word && count == 64) {
      chain_channels<kVectors, 1, false>(args, c, count);
    } else if (is_word && is_dense(args, 32)) {
      chain_channels<kVectors / 2, 2, false>(args, c, count);
    } else if (is_word && is_dense(args, 16)) {
      chain_channels<kVectors / 4, 4, false>(args, c, count);
    } else {
      chain_vectors(args, c, count);
    }
  }
}

void exponentials(float* values, int64_t count) {
  for (int64_t i = 0; i < count; i += Vec::kFloatLanes) {
    Vec::store(values + i, exponential(Vec::load(values + i)));
  }
}
