// The common epilogue over the vocabulary `Vec`, one pass over a tile that is still in L1:
// affine step, shortcut, activation, store of the real and of the packed signs.

// 1 / (1 + exp(-v)) with the format's own exp. 1.5·2^23 is the magic number that leaves n, rounded
// to an integer, in the low bits of `shifted`; 2^n is built from those bits.
inline typename Vec::Floats sigmoid(typename Vec::Floats v) {
  const typename Vec::Floats magic = Vec::set(0x1.8p+23f);
  const typename Vec::Floats one = Vec::set(1.0f);
  typename Vec::Floats x = Vec::negative(v);
  x = Vec::larger(Vec::set(-87.0f), x);  // x < -87 ? -87 : x, NaN kept
  x = Vec::smaller(Vec::set(88.0f), x);  // x > 88 ? 88 : x
  const typename Vec::Floats shifted = Vec::fma(x, Vec::set(0x1.715476p+0f), magic);
  const typename Vec::Floats n = Vec::subtract(shifted, magic);
  typename Vec::Floats r = Vec::fma(n, Vec::set(-0x1.62e400p-1f), x);
  r = Vec::fma(n, Vec::set(-0x1.7f7d1cp-20f), r);
  typename Vec::Floats p = Vec::set(0x1.6850e4p-10f);
  p = Vec::fma(p, r, Vec::set(0x1.123bccp-7f));
  p = Vec::fma(p, r, Vec::set(0x1.555b98p-5f));
  p = Vec::fma(p, r, Vec::set(0x1.55548ep-3f));
  p = Vec::fma(p, r, Vec::set(0x1.fffff8p-2f));
  p = Vec::fma(p, r, one);
  p = Vec::fma(p, r, one);
  const typename Vec::Floats exponential = Vec::multiply(p, Vec::power_of_two(shifted));
  return Vec::divide(one, Vec::add(one, exponential));
}

inline typename Vec::Floats activate(const EpilogueArgs& args, typename Vec::Floats v, int64_t c) {
  switch (args.activation) {
    case Activation::kNone:
      break;
    case Activation::kRelu:
      return Vec::larger(Vec::set(0.0f), v);  // v < 0 ? 0 : v
    case Activation::kHardtanh:
      return Vec::smaller(Vec::set(1.0f), Vec::larger(Vec::set(-1.0f), v));
    case Activation::kPrelu:
      return Vec::select_less(v, Vec::set(0.0f), Vec::multiply(v, Vec::load(args.slope + c)), v);
    case Activation::kSigmoid:
      return sigmoid(v);
  }
  return v;
}

// Channels c.. of a shortcut pixel: tensor channel c - offset, +0.0 outside the tensor.
inline typename Vec::Floats load_shortcut(const EpilogueArgs& args, const float* pixel, int64_t c) {
  const int64_t first = c - args.shortcut_offset;
  const int64_t channels = args.shortcut_channels;
  if (first >= 0 && first + Vec::kFloatLanes <= channels) return Vec::load(pixel + first);
  if (first >= channels || first + Vec::kFloatLanes <= 0) return Vec::set(0.0f);
  uint32_t lanes = (uint32_t{1} << Vec::kFloatLanes) - 1;
  if (first < 0) lanes &= lanes << -first;
  if (first + Vec::kFloatLanes > channels) lanes &= lanes >> (first + Vec::kFloatLanes - channels);
  return Vec::load_lanes(pixel, first, lanes);
}

template <bool kInteger>
inline typename Vec::Floats real_value(const EpilogueArgs& args, int pixel, const void* value,
                                       int64_t c) {
  typename Vec::Floats v;
  if constexpr (kInteger) {
    v = Vec::to_floats(Vec::load_ints(static_cast<const int32_t*>(value)));
  } else {
    v = Vec::load(static_cast<const float*>(value));
  }
  if (args.scale != nullptr) v = Vec::fma(v, Vec::load(args.scale + c), Vec::load(args.shift + c));
  if (args.shortcut != nullptr) v = Vec::add(v, load_shortcut(args, args.shortcut[pixel], c));
  return activate(args, v, c);
}

// Stores the low `bytes` bytes, 1 to 8, of a word of signs.
inline void store_signs(uint8_t* target, uint64_t word, int64_t bytes) {
  if (bytes == 8) {
    __builtin_memcpy(target, &word, 8);
  } else if (bytes == 4) {
    __builtin_memcpy(target, &word, 4);
  } else if (bytes == 2) {
    __builtin_memcpy(target, &word, 2);
  } else {
    for (int64_t i = 0; i < bytes; ++i) target[i] = static_cast<uint8_t>(word >> (8 * i));
  }
}

// Spreads `count` signs from channel `c` on over groups that begin at byte addresses of their own.
inline void spread_signs(const SignArgs& signs, uint8_t* pixel, uint64_t word, int64_t c,
                         int64_t count) {
  if (c == 0) __builtin_memset(pixel, 0, static_cast<size_t>(signs.pixel_bytes));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t group = (c + i) / signs.group_channels;
    const int64_t bit = (c + i) % signs.group_channels;
    pixel[group * signs.group_bytes + bit / 8] |=
        static_cast<uint8_t>(((word >> i) & 1) << (bit % 8));
  }
}

inline void write_signs(const SignArgs& signs, int pixel, int64_t c, int64_t count,
                        uint64_t negative) {
  const uint64_t valid = count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
  const uint64_t word = (negative ^ signs.flip[c / 64]) & valid;
  uint8_t* target = signs.pixels[pixel];
  if (signs.group_bytes != 0) {
    spread_signs(signs, target, word, c, count);
  } else {
    const int64_t left = signs.pixel_bytes - c / 8;
    store_signs(target + c / 8, word, left < 8 ? left : 8);
  }
}

// Up to 64 channels of one pixel. kSigns sign outputs are gathered in registers; kAnySigns are in
// scratch memory.
constexpr int kAnySigns = -1;

template <bool kInteger, int kSigns>
inline void finish_word(const EpilogueArgs& args, int pixel, int64_t word_begin, int64_t count) {
  constexpr int kLanes = Vec::kFloatLanes;
  const int sign_count = kSigns == kAnySigns ? args.sign_count : kSigns;
  uint64_t registers[kSigns > 0 ? kSigns : 1];
  uint64_t* const negative = kSigns == kAnySigns ? args.sign_words : registers;
  for (int s = 0; s < sign_count; ++s) negative[s] = 0;
  for (int64_t done = 0; done < count; done += kLanes) {
    const int64_t c = word_begin + done;
    // int32 and float32 are equally wide.
    const void* value = static_cast<const float*>(args.values[pixel]) + (c - args.channel_begin);
    typename Vec::Floats v = Vec::set(0.0f);
    if (args.wants_real) {
      v = real_value<kInteger>(args, pixel, value, c);
      if (args.real != nullptr) {
        const int64_t left = count - done;
        if (left >= kLanes) {
          Vec::store(args.real[pixel] + c, v);
        } else {
          Vec::store_first(args.real[pixel] + c, v, static_cast<int>(left));
        }
      }
    }
    for (int s = 0; s < sign_count; ++s) {
      const SignArgs& signs = args.signs[s];
      uint64_t lanes;
      if (signs.integer_threshold != nullptr) {
        lanes = Vec::less_ints(Vec::load_ints(static_cast<const int32_t*>(value)),
                               Vec::load_ints(signs.integer_threshold + c));
      } else {
        lanes = Vec::less(v, Vec::load(signs.threshold + c));
      }
      negative[s] |= lanes << done;
    }
  }
  for (int s = 0; s < sign_count; ++s) {
    write_signs(args.signs[s], pixel, word_begin, count, negative[s]);
  }
}

template <bool kInteger, int kSigns>
inline void finish_pixels(const EpilogueArgs& args) {
  const int64_t end = args.channel_begin + args.channel_count;
  for (int pixel = 0; pixel < args.pixels; ++pixel) {
    for (int64_t c = args.channel_begin; c < end; c += 64) {
      finish_word<kInteger, kSigns>(args, pixel, c, end - c < 64 ? end - c : 64);
    }
  }
}

template <bool kInteger>
inline void finish(const EpilogueArgs& args) {
  switch (args.sign_count) {
    case 0:
      return finish_pixels<kInteger, 0>(args);
    case 1:
      return finish_pixels<kInteger, 1>(args);
    default:
      return finish_pixels<kInteger, kAnySigns>(args);
  }
}

void epilogue(const EpilogueArgs& args) {
  if (args.integer) {
    finish<true>(args);
  } else {
    finish<false>(args);
  }
}
