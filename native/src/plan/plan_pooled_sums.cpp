// Whether a max pool may take its maxima of the sums of the convolution before it.
//
// In a channel the convolution's real is f(x) = activation(fma(float32(x), scale, shift)) of a sum
// x. Rounding keeps the order of values, so do fma with a positive scale and the activations below,
// and a negative scale turns the order round: the largest f(x) is f of the largest or smallest x.
// Equal values must have equal bits too, as of -0.0 and +0.0 a maximum is the one it meets first.
// So no f(x) may be -0.0:
// - of an int32 x, x·scale + shift is a multiple of 2^-149 and is 0 only where it is exactly, then
//   +0.0 unless both addends are -0.0, which takes x = 0, a negative scale and a shift of -0.0;
// - of a float32 x, what is smaller than 2^-149 may be rounded to -0.0. Not where |shift| >=
// 2^-100:
//   of what nearly cancels it x·scale has 48 bits, the last of them 2^-149 or more.
// A NaN is larger than nothing and stays where it is the first tap. f keeps it so: scale and shift
// are finite and the scale is not 0, so f(x) is NaN where x is, with the same bits.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "plan/plan.h"

namespace sbnn {
namespace {

// A constant by channel; nothing where the node has none.
std::vector<float> by_channel(const FusedGraph& graph, int index) {
  if (index == kNone) return {};
  const Constant& constant = graph.constants[static_cast<size_t>(index)];
  std::vector<float> values(constant.bytes / sizeof(float));
  std::memcpy(values.data(), constant.data, constant.bytes);
  return values;
}

bool keeps_order(Activation activation) {
  return activation == Activation::kNone || activation == Activation::kRelu ||
         activation == Activation::kHardtanh;
}

bool keeps_order(bool integer, float scale, float shift) {
  if (scale == 0) return false;
  if (!integer) return std::abs(shift) >= 0x1p-100f;
  return scale > 0 || shift != 0 || !std::signbit(shift);
}

}  // namespace

void plan_pooled_sums(const FusedGraph& graph, const FusedNode& conv, const FusedNode& pool,
                      Stage* stage) {
  if (conv.by_steps || pool.by_steps) return;
  if (conv.op != Op::kRealConv || conv.groups != 1 || conv.shortcut.tensor != kNone) return;
  if (!keeps_order(conv.activation) || conv.offset != kNone) return;
  // One epilogue finishes both nodes.
  if (pool.op != Op::kMaxPool || pool.scale != kNone || pool.shortcut.tensor != kNone ||
      pool.activation != Activation::kNone || pool.offset != kNone) {
    return;
  }
  const bool integer = graph.constants[static_cast<size_t>(conv.weight)].dtype == DType::kI16;
  if (!integer && conv.scale == kNone) return;
  const std::vector<float> scale = by_channel(graph, conv.scale);
  const std::vector<float> shift = by_channel(graph, conv.shift);
  bool turns = false;
  for (size_t c = 0; c < scale.size(); ++c) {
    if (!keeps_order(integer, scale[c], shift[c])) return;
    turns |= scale[c] < 0;
  }
  stage->pools_sums = true;
  if (!turns) return;
  stage->order = AlignedArray<uint32_t>(scale.size());
  for (size_t c = 0; c < scale.size(); ++c) {
    if (scale[c] < 0) stage->order[c] = integer ? ~uint32_t{0} : uint32_t{1} << 31;
  }
}

}  // namespace sbnn
