// Runs parts of one node: tiles of pixels, in each tile chunk by chunk, body, then epilogue while
// the values are in L1.
#pragma once

#include "run/node_context.h"

namespace sbnn {

struct Range {
  int64_t begin, end;
};

class NodeRunner : public NodeContext {
 public:
  NodeRunner(const Plan& all, const NodePlan& this_node, const Frame& tensors, Scratch* own)
      : NodeContext(all, this_node, tensors, own) {
    set_constants();
  }

  // Forgets what scratch memory holds of another node or image; then pixels come in order.
  void start() {
    scratch.triple_xors_done = 0;
    scratch.packed_row = kNone;
    scratch.panel.clear();
  }

  // Whole rows from now on; those of this tensor are summed up as soon as they are there.
  void write_row_sums(int tensor, float* sums) {
    summed_tensor = tensor;
    row_sums = sums;
  }

  void run(const Range& pixels, const Range& chunks);

 protected:
  // The tile's pixels row by row, and where each row's begin in what the epilogue reads and writes.
  void place_outputs(const Tile& tile);
  void finish_values(const Chunk& chunk);
  void sum_rows(const Range& rows, const Range& chunks) const;

  EpilogueArgs args{};
  FinishDotsArgs finish{};  // the same where node.finishes_dots,
  ChainArgs chain{};        // and where node.by_steps()

 private:
  // What place_outputs does, where the epilogue follows each vector of dots.
  void place_finish(const Tile& tile);
  // What the body needs before its chunks are computed, or all of it where it has no chunks.
  void prepare_body(const Tile& tile);
  // The part of an epilogue's arguments that is the same for all tiles and chunks.
  void set_constants();
  void set_finish();

  template <typename T>
  T* address(int tensor, int64_t y, int64_t x) const {
    if (tensor == kNone) return nullptr;
    return reinterpret_cast<T*>(frame.tensor(tensor) + layout(tensor).at(y, x));
  }

  // Where a tile's pixels begin in a tensor, row by row.
  struct RowAddress {
    uint8_t* at = nullptr;
    int64_t pixel_step = 0, row_step = 0;

    // In a row that the tile enters at column x, before the next row at column 0.
    uint8_t* next(int64_t x) {
      uint8_t* const now = at;
      at += row_step - x * pixel_step;
      return now;
    }
  };
  RowAddress row_address(int tensor, const Pair& stride, int64_t y, int64_t x) const {
    if (tensor == kNone) return {};
    const TensorLayout& rows = layout(tensor);
    return {frame.tensor(tensor) + rows.at(y * stride.y, x * stride.x), stride.x * rows.pixel_bytes,
            stride.y * rows.row_bytes};
  }

  int runs = 0;  // of the current tile
  int summed_tensor = kNone;
  float* row_sums = nullptr;
};

}  // namespace sbnn
