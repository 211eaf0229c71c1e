// The bodies of operations without weights. Each is a function of the operation's name in a file of
// this folder, and leaves v0 of a tile's pixels, float32 of all channels, in scratch.tile,
// tile_step apart.
#pragma once

#include "run/node_context.h"

namespace sbnn {

using Body = void (*)(const NodeContext& context, const Tile& tile);

#include "run/ops/bodies.inc.h"

inline Body body_of(Op op) { return kBodies[static_cast<size_t>(op)]; }

}  // namespace sbnn
