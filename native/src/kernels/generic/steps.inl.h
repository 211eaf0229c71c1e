// The steps of a chain over the vocabulary `Vec`, each of strips of values that stay in registers.
// Formulas are docs/format.md's.

#include "kernels/generic/smooth.inl.h"
#include "kernels/generic/strip.inl.h"

inline typename Vec::Floats clip(typename Vec::Floats v, typename Vec::Floats low,
                                 typename Vec::Floats high) {
  return Vec::select_less(v, low, low, Vec::smaller(high, v));
}

// A function of many operations, whose registers are its own.
template <typename Vec::Floats (*function)(typename Vec::Floats)>
[[gnu::noinline]] void apply_all(typename Vec::Floats* values, int count) {
  for (int i = 0; i < count; ++i) values[i] = function(values[i]);
}

// Whether a pixel's channels all meet one value of the operand.
inline bool has_one_value(const StepArgs& step) {
  return step.repeated > 0 && step.operand_channels == 1;
}

// Whether channels [c, c + count) lie in the operand's pixel, from c - offset on.
inline bool lies_in_order(const StepArgs& step, int64_t c, int64_t count) {
  return step.repeated == 0 && c >= step.offset && c - step.offset + count <= step.operand_channels;
}

// The operands of channels [c, c + count) that do not lie side by side in the operand's pixel.
[[gnu::noinline]] void spread_operand(const StepArgs& step, const float* pixel, int64_t c,
                                      int64_t count, float* operands) {
  const int64_t channels = step.operand_channels;
  for (int64_t i = 0; i < count; ++i) {
    if (step.repeated > 0) {
      operands[i] = pixel[(c + i) / step.repeated % channels];
    } else {
      const int64_t from = c + i - step.offset;
      operands[i] = from < 0 || from >= channels ? 0.0f : pixel[from];
    }
  }
}

// Whether a step of channels [c, c + count) needs no call, which would cost the values their
// registers.
inline bool is_short(const StepArgs& step, int64_t c, int64_t count) {
  switch (step.op) {
    case StepOp::kAffine:
    case StepOp::kOffset:
    case StepOp::kRelu:
    case StepOp::kHardtanh:
    case StepOp::kClip:
    case StepOp::kPrelu:
    case StepOp::kMaxout:
      return true;
    case StepOp::kAdd:
    case StepOp::kSubtract:
    case StepOp::kMultiply:
      return has_one_value(step) || lies_in_order(step, c, count);
    default:
      return false;
  }
}

// W strips whose pixels follow each other. Those of whole words take short steps alone.
template <int V, int P, int W, bool kPartial>
struct StepStrips {
  using Pixels = Strip<V, P, kPartial>;
  using Values = typename Pixels::Values[W];
  using Floats = typename Vec::Floats;
  static constexpr int kLanes = Vec::kFloatLanes;

  const Pixels& strip;
  int run;
  int64_t pixel;   // of the first in the run,
  int64_t column;  // and in its row

  // Calls function(w, p, i) for each vector.
  template <typename Function>
  static void each(Function function) {
#pragma GCC unroll 16
    for (int w = 0; w < W; ++w) Pixels::each([&](int p, int i) { function(w, p, i); });
  }

  void take(const StepArgs& step, Values& v) const {
    switch (step.op) {
      case StepOp::kAffine:
        if (step.border_rows != nullptr) return affine_by_border(step, v);
        return with_constants(step, v, [](Floats x, Floats scale, Floats shift) {
          return Vec::fma(x, scale, shift);
        });
      case StepOp::kOffset:
        return with_constant(step, v, [](Floats x, Floats value) { return Vec::add(x, value); });
      case StepOp::kAdd:
        if (step.first != nullptr) return add_weighted(step, v);
        return with_operand(step, v, [](Floats x, Floats s, int) { return Vec::add(x, s); });
      case StepOp::kSubtract:
        return with_operand(step, v, [](Floats x, Floats s, int) { return Vec::subtract(x, s); });
      case StepOp::kMultiply:
        return with_operand(step, v, [](Floats x, Floats s, int) { return Vec::multiply(x, s); });
      case StepOp::kRelu:
        return map(v, [](Floats x) { return activate<Activation::kRelu>(x, x, x); });
      case StepOp::kHardtanh:
        return map(v, [](Floats x) { return activate<Activation::kHardtanh>(x, x, x); });
      case StepOp::kClip:
        return with_constants(step, v,
                              [](Floats x, Floats low, Floats high) { return clip(x, low, high); });
      case StepOp::kPrelu:
        return with_constant(step, v, [](Floats x, Floats slope) {
          return activate<Activation::kPrelu>(x, slope, x);
        });
      case StepOp::kMaxout:
        return with_constants(step, v, [](Floats x, Floats slope, Floats positive) {
          return activate<Activation::kMaxout>(x, slope, positive);
        });
      case StepOp::kSigmoid:
        return map_apart<sigmoid>(v);
      case StepOp::kHardSigmoid:
        return map_apart<hard_sigmoid>(v);
      case StepOp::kHardswish:
        return map_apart<hardswish>(v);
      case StepOp::kSilu:
        return map_apart<silu>(v);
      case StepOp::kGelu:
        return map_apart<gelu>(v);
      case StepOp::kTanh:
        return map_apart<tangent>(v);
    }
  }

 private:
  template <typename Function>
  static void map(Values& v, Function function) {
    each([&](int w, int p, int i) { v[w][p][i] = function(v[w][p][i]); });
  }

  template <Floats (*function)(Floats)>
  static void map_apart(Values& v) {
    if constexpr (!kPartial) return;
    Floats copy[W * P * V];
    each([&](int w, int p, int i) { copy[(w * P + p) * V + i] = v[w][p][i]; });
    apply_all<function>(copy, W * P * V);
    each([&](int w, int p, int i) { v[w][p][i] = copy[(w * P + p) * V + i]; });
  }

  template <typename Function>
  void with_constant(const StepArgs& step, Values& v, Function function) const {
    const float* const first = step.first + strip.c;
    each([&](int w, int p, int i) {
      v[w][p][i] = function(v[w][p][i], Vec::load(first + i * kLanes));
    });
  }

  template <typename Function>
  void with_constants(const StepArgs& step, Values& v, Function function) const {
    const float *const first = step.first + strip.c, *const second = step.second + strip.c;
    each([&](int w, int p, int i) {
      v[w][p][i] =
          function(v[w][p][i], Vec::load(first + i * kLanes), Vec::load(second + i * kLanes));
    });
  }

  void affine_by_border(const StepArgs& step, Values& v) const {
    const float* const scale = step.first + strip.c;
    const float* const row = step.border_rows[run] + strip.c;
    const int64_t* const columns = step.border_columns + column;
    each([&](int w, int p, int i) {
      const float* const shift = row + columns[w * P + p];
      v[w][p][i] =
          Vec::fma(v[w][p][i], Vec::load(scale + i * kLanes), Vec::load(shift + i * kLanes));
    });
  }

  void add_weighted(const StepArgs& step, Values& v) const {
    const float* const weighted = step.first + strip.c;
    with_operand(step, v, [&](Floats x, Floats s, int i) {
      return Vec::fma(s, Vec::load(weighted + i * kLanes), x);
    });
  }

  // For a function of a value, its operand and the vector's place in the strip.
  template <typename Function>
  void with_operand(const StepArgs& step, Values& v, Function function) const {
    const float* const operand = step.operand[run] + pixel * step.operand_step;
    const auto of = [&](int w, int p) { return operand + (w * P + p) * step.operand_step; };
    if (has_one_value(step)) {
      each([&](int w, int p, int i) { v[w][p][i] = function(v[w][p][i], Vec::set(*of(w, p)), i); });
    } else if (!kPartial || lies_in_order(step, strip.c, strip.count)) {
      const int64_t first = strip.c - step.offset;
      each([&](int w, int p, int i) {
        v[w][p][i] = function(v[w][p][i], Vec::load(of(w, p) + first + i * kLanes), i);
      });
    } else {
      float operands[W * P][V * kLanes] = {};
      for (int q = 0; q < W * P; ++q) {
        spread_operand(step, of(0, q), strip.c, strip.count, operands[q]);
      }
      each([&](int w, int p, int i) {
        v[w][p][i] = function(v[w][p][i], Vec::load(operands[w * P + p] + i * kLanes), i);
      });
    }
  }
};
