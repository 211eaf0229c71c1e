#include "run/steps/operand.h"

#include <algorithm>

namespace sbnn {
namespace {

// The operand's channel for channel c of the output.
int64_t repeated(const OperandPlan& operand, int64_t operand_channels, int64_t channels,
                 int64_t c) {
  if (operand.repeat == Repeat::kTile) return c % operand_channels;
  return c / (channels / operand_channels);
}

}  // namespace

OperandRow operand_row(const NodeContext& context, const OperandPlan& operand, const Chunk& chunk,
                       int64_t y, int64_t x, int64_t pixels) {
  const TensorLayout& layout = context.layout(operand.tensor);
  const int64_t channels = layout.channels, end = chunk.channel + chunk.channels;
  const float* const first = context.reals(operand.tensor) +
                             (y * operand.every.y * layout.width + x * operand.every.x) * channels;
  const int64_t step = operand.every.x * channels;
  const bool plain = operand.repeat == Repeat::kNone && operand.offset == 0;
  if (plain && end <= channels) return {first + chunk.channel, step};
  float* const spread = context.scratch.operands.data();
  const int64_t spread_step = context.node.tile_step;
  if (operand.repeat == Repeat::kNone) {
    // The chunk's channels that the operand has, and +0.0 around them.
    const int64_t begin = std::clamp(operand.offset, chunk.channel, end);
    const int64_t past = std::clamp(operand.offset + channels, begin, end);
    for (int64_t i = 0; i < pixels; ++i) {
      float* const values = spread + i * spread_step;
      std::fill(values, values + (begin - chunk.channel), 0.0f);
      std::copy_n(first + i * step + (begin - operand.offset), past - begin,
                  values + (begin - chunk.channel));
      std::fill(values + (past - chunk.channel), values + chunk.channels, 0.0f);
    }
    return {spread, spread_step};
  }
  for (int64_t c = 0; c < chunk.channels; ++c) {
    const int64_t channel = repeated(operand, channels, context.node.channels, chunk.channel + c);
    float* value = spread + c;
    for (int64_t i = 0; i < pixels; ++i, value += spread_step) *value = first[i * step + channel];
  }
  return {spread, spread_step};
}

}  // namespace sbnn
