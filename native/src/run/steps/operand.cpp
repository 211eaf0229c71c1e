#include "run/steps/operand.h"

namespace sbnn {
namespace {

// The operand's channel for channel c of the output; kNone where there is none.
int64_t channel_of(const OperandPlan& operand, int64_t operand_channels, int64_t channels,
                   int64_t c) {
  switch (operand.repeat) {
    case Repeat::kTile:
      return c % operand_channels;
    case Repeat::kEach:
      return c / (channels / operand_channels);
    case Repeat::kNone:
      break;
  }
  const int64_t channel = c - operand.offset;
  return channel >= 0 && channel < operand_channels ? channel : kNone;
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
  for (int64_t c = 0; c < chunk.channels; ++c) {
    const int64_t channel = channel_of(operand, channels, context.node.channels, chunk.channel + c);
    float* value = spread + c;
    for (int64_t i = 0; i < pixels; ++i, value += context.node.tile_step) {
      *value = channel == kNone ? 0.0f : first[i * step + channel];
    }
  }
  return {spread, context.node.tile_step};
}

}  // namespace sbnn
