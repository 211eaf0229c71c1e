// The steps of a node one by one over the vocabulary `Vec`, a pass over a tile's values for each:
// what an epilogue does to common chains in one pass. Formulas are docs/format.md's.

#include "kernels/generic/smooth.inl.h"

// of_channels(c) takes the constants of the channels from c on and returns a function of a vector
// of values and of where their operands lie. One vector of channels after the other goes through
// all pixels, so that its constants stay in registers.
template <typename OfChannels>
inline void each_vector(const StepArgs& shared, OfChannels of_channels) {
  const StepArgs args = shared;  // a copy that no store can alias
  for (int64_t c = 0; c < args.channels; c += Vec::kFloatLanes) {
    const auto function = of_channels(c);
    float* values = args.values + c;
    const float* operand = args.operand == nullptr ? nullptr : args.operand + c;
    for (int64_t pixel = 0; pixel < args.pixels; ++pixel) {
      Vec::store(values, function(Vec::load(values), operand));
      values += args.value_step;
      if (operand != nullptr) operand += args.operand_step;
    }
  }
}

// The same for a function of the value alone.
template <typename Function>
inline void each_value(const StepArgs& args, Function function) {
  each_vector(args, [&](int64_t) {
    return [&](typename Vec::Floats v, const float*) { return function(v); };
  });
}

// For a function of a value and its operand.
template <typename Function>
inline void each_pair(const StepArgs& args, Function function) {
  each_vector(args, [&](int64_t) {
    return [&](typename Vec::Floats v, const float* s) { return function(v, Vec::load(s)); };
  });
}

// For a function of a value and one constant, or two.
template <typename Function>
inline void with_constant(const StepArgs& args, Function function) {
  each_vector(args, [&](int64_t c) {
    const typename Vec::Floats first = Vec::load(args.first + c);
    return [&function, first](typename Vec::Floats v, const float*) { return function(v, first); };
  });
}
template <typename Function>
inline void with_constants(const StepArgs& args, Function function) {
  each_vector(args, [&](int64_t c) {
    const typename Vec::Floats first = Vec::load(args.first + c);
    const typename Vec::Floats second = Vec::load(args.second + c);
    return [&function, first, second](typename Vec::Floats v, const float*) {
      return function(v, first, second);
    };
  });
}

// For a function of a value, one constant and its operand.
template <typename Function>
inline void with_constant_and_operand(const StepArgs& args, Function function) {
  each_vector(args, [&](int64_t c) {
    const typename Vec::Floats first = Vec::load(args.first + c);
    return [&function, first](typename Vec::Floats v, const float* s) {
      return function(v, first, Vec::load(s));
    };
  });
}

inline void affine(const StepArgs& args) {
  using Floats = typename Vec::Floats;
  const auto fma = [](Floats v, Floats scale, Floats shift) { return Vec::fma(v, scale, shift); };
  if (args.second != nullptr) {
    with_constants(args, fma);
  } else {
    with_constant_and_operand(args, fma);
  }
}

inline void add(const StepArgs& args) {
  using Floats = typename Vec::Floats;
  if (args.first != nullptr) {
    with_constant_and_operand(
        args, [](Floats v, Floats weighted, Floats s) { return Vec::fma(s, weighted, v); });
  } else {
    each_pair(args, Vec::add);
  }
}

inline typename Vec::Floats clip(typename Vec::Floats v, typename Vec::Floats low,
                                 typename Vec::Floats high) {
  return Vec::select_less(v, low, low, Vec::smaller(high, v));
}

void step(StepOp op, const StepArgs& args) {
  using Floats = typename Vec::Floats;
  switch (op) {
    case StepOp::kAffine:
      return affine(args);
    case StepOp::kOffset:
      return with_constant(args, Vec::add);
    case StepOp::kAdd:
      return add(args);
    case StepOp::kSubtract:
      return each_pair(args, Vec::subtract);
    case StepOp::kMultiply:
      return each_pair(args, Vec::multiply);
    case StepOp::kRelu:
      return each_value(args, [](Floats v) { return activate<Activation::kRelu>(v, v, v); });
    case StepOp::kHardtanh:
      return each_value(args, [](Floats v) { return activate<Activation::kHardtanh>(v, v, v); });
    case StepOp::kClip:
      return with_constants(args, clip);
    case StepOp::kPrelu:
      return with_constant(
          args, [](Floats v, Floats slope) { return activate<Activation::kPrelu>(v, slope, v); });
    case StepOp::kMaxout:
      return with_constants(args, activate<Activation::kMaxout>);
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
