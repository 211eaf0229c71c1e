// Signs that an operation moves, as bits.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// Whether a node yields the signs that it reads, in other places, flipped or not.
bool moves_signs(const NodeContext& context);

// What it writes of a tile's pixels.
void move_signs(const NodeContext& context, const Tile& tile);

}  // namespace sbnn
