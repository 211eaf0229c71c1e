// The chain of a node that runs step by step.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// Sets what is the same for all tiles and chunks, in scratch memory, too.
void set_steps(const NodeContext& context, ChainArgs* args);

// Where each row of a tile begins in what its steps read and its outputs are stored in. The rows
// are the first `runs` of scratch.runs.
void place_steps(const NodeContext& context, const Tile& tile, int runs, ChainArgs* args);

// Takes v0 of a chunk's channels of a placed tile through every step, and stores each output after
// its step. Does to each value what an epilogue does, in the same order.
void finish_steps(const NodeContext& context, const Chunk& chunk, ChainArgs* args);

}  // namespace sbnn
