// The steps of a node one by one over the vocabulary `Vec`, a pass over a tile's values for each:
// what an epilogue does to common chains in one pass. Formulas are docs/format.md's.

#include "kernels/generic/smooth.inl.h"

// value(v, c, operand): a vector of values, its first channel, the pixel's operands.
template <typename Value>
inline void each_vector(const StepArgs& shared, Value value) {
  const StepArgs args = shared;  // a copy that no store can alias
  for (int64_t pixel = 0; pixel < args.pixels; ++pixel) {
    float* const values = args.values + pixel * args.value_step;
    const float* operand = args.operand;
    if (operand != nullptr) operand += pixel * args.operand_step;
    for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) {
      Vec::store(values + c, value(Vec::load(values + c), c, operand));
    }
  }
}

// The same for a function of the value alone.
template <typename Function>
inline void each_value(const StepArgs& args, Function function) {
  each_vector(args, [&](typename Vec::Floats v, int64_t, const float*) { return function(v); });
}

inline void affine(const StepArgs& args) {
  const float* const scale = args.first;
  if (const float* const shift = args.second) {
    each_vector(args, [=](typename Vec::Floats v, int64_t c, const float*) {
      return Vec::fma(v, Vec::load(scale + c), Vec::load(shift + c));
    });
  } else {
    each_vector(args, [=](typename Vec::Floats v, int64_t c, const float* border) {
      return Vec::fma(v, Vec::load(scale + c), Vec::load(border + c));
    });
  }
}

inline void add(const StepArgs& args) {
  if (const float* const weighted = args.first) {
    each_vector(args, [=](typename Vec::Floats v, int64_t c, const float* s) {
      return Vec::fma(Vec::load(s + c), Vec::load(weighted + c), v);
    });
  } else {
    each_vector(args, [](typename Vec::Floats v, int64_t c, const float* s) {
      return Vec::add(v, Vec::load(s + c));
    });
  }
}

inline void clip(const StepArgs& args) {
  const float *const low = args.first, *const high = args.second;
  each_vector(args, [=](typename Vec::Floats v, int64_t c, const float*) {
    const typename Vec::Floats least = Vec::load(low + c);
    return Vec::select_less(v, least, least, Vec::smaller(Vec::load(high + c), v));
  });
}

inline void maxout(const StepArgs& args) {
  const float *const slope = args.first, *const positive = args.second;
  each_vector(args, [=](typename Vec::Floats v, int64_t c, const float*) {
    return activate<Activation::kMaxout>(v, Vec::load(slope + c), Vec::load(positive + c));
  });
}

void step(StepOp op, const StepArgs& args) {
  using Floats = typename Vec::Floats;
  const float* const first = args.first;
  switch (op) {
    case StepOp::kAffine:
      return affine(args);
    case StepOp::kOffset:
      return each_vector(args, [=](Floats v, int64_t c, const float*) {
        return Vec::add(v, Vec::load(first + c));
      });
    case StepOp::kAdd:
      return add(args);
    case StepOp::kSubtract:
      return each_vector(args, [](Floats v, int64_t c, const float* s) {
        return Vec::subtract(v, Vec::load(s + c));
      });
    case StepOp::kMultiply:
      return each_vector(args, [](Floats v, int64_t c, const float* s) {
        return Vec::multiply(v, Vec::load(s + c));
      });
    case StepOp::kRelu:
      return each_value(args, [](Floats v) { return activate<Activation::kRelu>(v, v, v); });
    case StepOp::kHardtanh:
      return each_value(args, [](Floats v) { return activate<Activation::kHardtanh>(v, v, v); });
    case StepOp::kClip:
      return clip(args);
    case StepOp::kPrelu:
      return each_vector(args, [=](Floats v, int64_t c, const float*) {
        return activate<Activation::kPrelu>(v, Vec::load(first + c), v);
      });
    case StepOp::kMaxout:
      return maxout(args);
    case StepOp::kSigmoid:
      return each_value(args, sigmoid);
    case StepOp::kHardSigmoid:
      return each_value(args, hard_sigmoid);
    case StepOp::kHardswish:
      return each_value(args, hardswish);
    case StepOp::kSilu:
      return each_value(args, silu);
    case StepOp::kGelu:
      return each_value(args, gelu);
    case StepOp::kTanh:
      return each_value(args, tangent);
  }
}

void exponentials(float* values, int64_t count) {
  for (int64_t i = 0; i < count; i += Vec::kFloatLanes) {
    Vec::store(values + i, exponential(Vec::load(values + i)));
  }
}
