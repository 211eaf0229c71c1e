// One node on one image, as the pieces of the executor see it.
#pragma once

#include <algorithm>

#include "run/executor.h"

namespace sbnn {

// Pixels of the output that are computed together.
struct Tile {
  int64_t begin, count;
};

struct NodeContext {
  NodeContext(const Plan& all, const NodePlan& this_node, const Frame& tensors, Scratch* own)
      : kernels(*all.kernels),
        plan(all),
        node(this_node),
        spec(*this_node.node),
        input(layout(spec.input)),
        frame(tensors),
        scratch(*own) {}

  const TensorLayout& layout(int tensor) const { return plan.tensors[static_cast<size_t>(tensor)]; }

  const float* reals(int tensor) const {
    return reinterpret_cast<const float*>(frame.tensor(tensor));
  }

  // What the node reads, where that is an image.
  InputArray image() const { return frame.image(spec.input, input.pixels() * input.channels); }

  // The addresses that a tile's pixels have in a tensor of this layout,
  // where pixel (y, x) lies at (y·stride.y - shift.y, x·stride.x - shift.x).
  template <typename T>
  void fill_addresses(uint8_t* tensor, const TensorLayout& layout, const Pair& stride,
                      const Pair& shift, const Tile& tile, T** addresses) const {
    const int64_t step = stride.x * layout.pixel_bytes;
    int64_t y = tile.begin / node.width, x = tile.begin % node.width, count = tile.count;
    while (count > 0) {
      const int64_t run = std::min(count, node.width - x);
      uint8_t* pixel = tensor + layout.at(y * stride.y - shift.y, x * stride.x - shift.x);
      for (int64_t i = 0; i < run; ++i, pixel += step) {
        addresses[i] = reinterpret_cast<T*>(pixel);
      }
      addresses += run;
      count -= run;
      x = 0;
      ++y;
    }
  }

  const KernelTable& kernels;
  const Plan& plan;
  const NodePlan& node;
  const FusedNode& spec;
  const TensorLayout& input;
  const Frame& frame;
  Scratch& scratch;
};

// The bodies of convolutions; each leaves v0 of a tile's pixels in scratch.tile, tile_step apart.

// Binary convolution: addresses first, then the dots of one chunk of channels after the other.
void place_windows(const NodeContext& context, const Tile& tile);
void compute_dots(const NodeContext& context, const Chunk& chunk, const Tile& tile);

// The same with the epilogue. `finish` lacks the addresses of what a tile reads and writes.
void finish_dots(const NodeContext& context, const Chunk& chunk, const Tile& tile,
                 const FinishDotsArgs& finish);

void all_dots(const NodeContext& context, int32_t* dots);  // before pooling

// Real convolution: rows and addresses first, then the sums of one chunk after the other.
void place_units(const NodeContext& context, const Tile& tile);
void compute_sums(const NodeContext& context, const Chunk& chunk);
void all_sums(const NodeContext& context, int32_t* sums);  // where they are integers

// The sums of whole rows of an ungrouped real convolution, `step` values from an output to the
// next and row_outputs() of them from a row to the next. Whole vectors are written.
void sum_rows(const NodeContext& context, int64_t begin, int64_t end, int32_t* sums, int64_t step);

}  // namespace sbnn
