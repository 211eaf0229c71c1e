// The formula of every step, written value by value, and values at which formulas turn.
#pragma once

#include <cmath>
#include <iterator>
#include <limits>

#include "cpu/memory.h"
#include "draws.h"
#include "kernels/fused.h"
#include "kernels/kernels.h"

namespace test {

using sbnn::fused;
using sbnn::StepOp;

inline float power_of_two(float n) { return std::ldexp(1.0f, static_cast<int>(n)); }

inline float exponential(float x) {
  x = x < -87 ? -87 : x > 88 ? 88 : x;
  if (std::isnan(x)) return x;
  const float n = fused(x, 0x1.715476p+0f, 0x1.8p+23f) - 0x1.8p+23f;
  float r = fused(n, -0x1.62e400p-1f, x);
  r = fused(n, -0x1.7f7d1cp-20f, r);
  float p = 0x1.6850e4p-10f;
  for (const float k :
       {0x1.123bccp-7f, 0x1.555b98p-5f, 0x1.55548ep-3f, 0x1.fffff8p-2f, 1.0f, 1.0f}) {
    p = fused(p, r, k);
  }
  return p * power_of_two(n);
}

inline float ramp(float v) {
  const float t = v + 3;
  return t < 0 ? 0 : t > 6 ? 6 : t;
}

inline float tangent(float v) {
  const float a = std::fabs(v), z = a * a;
  float p = -0x1.75e1d4p-8f;
  for (const float k : {0x1.52269cp-6f, -0x1.b83c5ap-5f, 0x1.110726p-3f, -0x1.555532p-2f}) {
    p = fused(p, z, k);
  }
  p = p * z;
  const float t = a < 0.625f ? fused(p, a, a) : 1 - 2 / (exponential(a + a) + 1);
  return v < 0 ? -t : t;
}

inline float gelu(float v) {
  const float a = std::fabs(v) * 0x1.6a09e6p-1f;
  const float t = 1 / fused(a, 0x1.4f740ap-2f, 1.0f);
  float p = 0x1.0fb844p+0f;
  for (const float k : {-0x1.7401c6p+0f, 0x1.6be1c6p+0f, -0x1.23531cp-2f, 0x1.04f20cp-2f}) {
    p = fused(p, t, k);
  }
  const float erf = 1 - (p * t) * exponential(-(a * a));
  return 0.5f * v * (v < 0 ? 1 - erf : 1 + erf);
}

// One value's constants and operand.
struct Lane {
  bool has_first;
  float first, second, operand;
};

inline float step(StepOp op, float v, const Lane& lane) {
  switch (op) {
    case StepOp::kAffine:
      return fused(v, lane.first, lane.second);
    case StepOp::kOffset:
      return v + lane.first;
    case StepOp::kAdd:
      return lane.has_first ? fused(lane.operand, lane.first, v) : v + lane.operand;
    case StepOp::kSubtract:
      return v - lane.operand;
    case StepOp::kMultiply:
      return v * lane.operand;
    case StepOp::kRelu:
      return v < 0 ? 0 : v;
    case StepOp::kHardtanh:
      return v < -1 ? -1 : v > 1 ? 1 : v;
    case StepOp::kClip:
      return v < lane.first ? lane.first : v > lane.second ? lane.second : v;
    case StepOp::kPrelu:
      return v < 0 ? v * lane.first : v;
    case StepOp::kMaxout:
      return v < 0 ? v * lane.first : v * lane.second;
    case StepOp::kSigmoid:
      return 1 / (1 + exponential(-v));
    case StepOp::kHardSigmoid:
      return ramp(v) / 6;
    case StepOp::kHardswish:
      return v * ramp(v) / 6;
    case StepOp::kSilu:
      return v / (1 + exponential(-v));
    case StepOp::kGelu:
      return gelu(v);
    case StepOp::kTanh:
      return tangent(v);
  }
  return 0;
}

// Mostly ordinary values, and those at which formulas turn.
inline float draw() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float special[] = {
      0.0f,      -0.0f,      1.0f,   -1.0f,   0.625f, -0.625f,
      3.0f,      -3.0f,      87.0f,  -87.0f,  88.5f,  -200.0f,
      kInfinity, -kInfinity, 1e-40f, -1e-40f, 3e38f,  std::numeric_limits<float>::quiet_NaN()};
  if (integer(0, 3) == 0) return special[integer(0, static_cast<int>(std::size(special)) - 1)];
  const float size = std::ldexp(1.0f, integer(-20, 8));
  return size * static_cast<float>(integer(-1000, 1000)) / 997.0f;
}

inline sbnn::AlignedArray<float> draws(int64_t count) {
  sbnn::AlignedArray<float> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) values[static_cast<size_t>(i)] = draw();
  return values;
}

}  // namespace test
