// What a step reads of another tensor: the one addressing rule of docs/format.md.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// A row of pixels' operands, each those of a chunk's channels, `step` floats apart.
struct OperandRow {
  const float* first;
  int64_t step;
};

// For the outputs (y, x), (y, x + 1) and so on. They lie where the tensor does, or are spread over
// scratch.operands where channels do not follow each other there.
OperandRow operand_row(const NodeContext& context, const OperandPlan& operand, const Chunk& chunk,
                       int64_t y, int64_t x, int64_t pixels);

}  // namespace sbnn
