// Operations without weights: each leaves v0 of a tile's pixels, float32 of all channels, in
// scratch.tile, tile_step apart.
#pragma once

#include "run/node_context.h"

namespace sbnn {

using SimpleBody = void (*)(const NodeContext& context, const Tile& tile);

void concat(const NodeContext& context, const Tile& tile);
void copy_pixels(const NodeContext& context, const Tile& tile);  // times the map, if there is one
void depth_to_space(const NodeContext& context, const Tile& tile);
void flatten(const NodeContext& context, const Tile& tile);
void l2_normalise(const NodeContext& context, const Tile& tile);
void mean_magnitudes(const NodeContext& context, const Tile& tile);
void mean_of_all(const NodeContext& context, const Tile& tile);
void average_windows(const NodeContext& context, const Tile& tile);
void largest_of_windows(const NodeContext& context, const Tile& tile);
void slice(const NodeContext& context, const Tile& tile);
void softmax(const NodeContext& context, const Tile& tile);
void space_to_depth(const NodeContext& context, const Tile& tile);
void sum_signs(const NodeContext& context, const Tile& tile);
void upsample(const NodeContext& context, const Tile& tile);

// Null for operations with weights.
SimpleBody simple_body(Op op);

}  // namespace sbnn
