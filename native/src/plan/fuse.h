// Which chains of steps have a kernel of their own.
#pragma once

#include "plan/fused_graph.h"

namespace sbnn {

// The engine's form of a valid graph. Without `fuse` every node runs step by step, with the same
// bits.
FusedGraph fuse_graph(const Graph& graph, bool fuse);

}  // namespace sbnn
