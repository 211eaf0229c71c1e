// The chain of a node that runs step by step.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// Takes v0 of a chunk's channels of a tile, whose rows are the first `runs` of scratch.runs,
// through every step in place, and stores each output after its step. Does to each value what an
// epilogue does, in the same order.
void finish_steps(const NodeContext& context, int runs, const Chunk& chunk, const Tile& tile);

}  // namespace sbnn
