// Signs of one pixel, packed.
#pragma once

#include "run/node_context.h"

namespace sbnn {

// Stores a pixel's signs as each of the node's outputs has them, flipped or not. They lie in
// `layout` at `signs`, where whole words may be read and bits past the last channel may be
// anything.
void store_signs_at(const NodeContext& context, const uint8_t* signs, const BitsLayout& layout,
                    int64_t y, int64_t x);

}  // namespace sbnn
