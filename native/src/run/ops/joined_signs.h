// Signs side by side, copied as bits.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// Whether a node is a concatenation of signs alone, in whole bytes, which yields them as they are.
bool joins_bytes(const NodeContext& context);

// What it writes of a tile's pixels.
void join_signs(const NodeContext& context, const Tile& tile);

}  // namespace sbnn
