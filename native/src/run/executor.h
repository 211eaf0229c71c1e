// Runs the nodes of a plan on one image, any range of a node's pixels and chunks at a time, so that
// threads may share a node. Results do not depend on how it is cut.
#pragma once

#include <vector>

#include "plan/plan.h"
#include "signbit/arrays.h"
#include "threads/interrupt.h"

namespace sbnn {

// What one thread needs beside the tensors.
struct Scratch {
  explicit Scratch(const ScratchSizes& sizes);

  // Whether the rest of a node is left, after a part that was estimated to take so long.
  bool is_left(double nanoseconds) const {
    if (interrupt == nullptr) return false;
    if (is_callers) interrupt->worked(nanoseconds);
    return interrupt->is_set();
  }

  Interrupt* interrupt = nullptr;  // of the call; not asked by other threads than the caller's
  bool is_callers = false;
  AlignedArray<int32_t> tile;  // v0, int32 or float32
  AlignedArray<int32_t> dots;  // before pooling
  RowPanel panel;              // of a real convolution,
  int64_t conv_units = 0;      // and how many units each tile has
  AlignedArray<uint8_t> pooled_signs;
  AlignedArray<uint8_t> band;       // rows between the two nodes of a stage
  double producer_share = 0;        // of the time that this thread's last part of such a stage took
  AlignedArray<float> row_sums;     // of a global mean's input
  AlignedArray<int32_t> sign_sums;  // of the columns that a tile's windows meet
  AlignedArray<float> factors;      // of a product, reals or words of signs,
  int64_t packed_row = kNone;       // and which row of the second factor's signs is there
  AlignedArray<uint32_t> gathered;  // words of a tile's windows
  AlignedArray<uint8_t> triple_xors;  // of an input, or of gathered windows
  int64_t triple_xors_done = 0;       // how far into the input, for the node that runs
  std::vector<SignArgs> signs;
  std::vector<const uint8_t*> conv_windows;  // by unit
  std::vector<WindowRun> window_runs;        // of a tile that is gathered, at most kTileWindows
  int64_t gathered_group = kNone;            // whose words they are, of the tile
  // By window of a tile:
  std::vector<const uint8_t*> gathered_windows;
  std::vector<const uint8_t*> windows;
  std::vector<const uint8_t*> group_windows;
  std::vector<const int32_t*> base;
  std::vector<uint8_t*> sign_pixels;
  // By run of a tile:
  std::vector<EpilogueRun> runs;
  std::vector<uint8_t*> sign_runs;  // [sign][run], of a chain [output][run]
  // Of a chain:
  std::vector<StepArgs> steps;
  std::vector<const float*> step_runs;  // [step][run]
  std::vector<StoreArgs> stores;
};

// One sample of a batch and the arena that holds its tensors.
struct Frame {
  uint8_t* arena = nullptr;
  const StoragePlan* storage = nullptr;
  const InputArray* inputs = nullptr;  // of the batch: images are read from there
  int64_t sample = 0;
  int banded = kNone;                     // a tensor of which only some rows exist,
  uint8_t* band = nullptr;                // and where it would begin
  const float* input_row_sums = nullptr;  // of a global mean's input, if they are made already

  uint8_t* tensor(int index) const {
    if (index == banded) return band;
    return arena + storage->offsets[static_cast<size_t>(index)];
  }
  // The sample's part of an image input, which has so many elements per sample; of pixels that are
  // looked up what they became.
  InputArray image(int input, int64_t elements) const {
    if (storage->offsets[static_cast<size_t>(input)] != kNone) return {tensor(input), false};
    return sample_of(inputs[input], elements, sample);
  }
  float* row_sums() const { return reinterpret_cast<float*>(arena + storage->row_sums); }
};

// How a node or a stage is cut for several threads; into fewer parts where it cannot be cut so far.
struct Split {
  int pixel_parts = 1;
  int chunk_parts = 1;
  int parts() const { return pixel_parts * chunk_parts; }
};
// How many of some threads each node should have, by its rough cost.
int useful_threads(const NodePlan& node, int threads);
Split split_node(const NodePlan& node, int threads);
Split split_stage(const Plan& plan, const Stage& stage, int threads);

void run_node(const Plan& plan, const NodePlan& node, const Frame& frame, const Split& split,
              int part, Scratch* scratch);

// As above, for a whole stage in an arena of plan.storage.
void run_stage(const Plan& plan, const Stage& stage, const Frame& frame, const Split& split,
               int part, Scratch* scratch);

// The dots of a binary convolution before pooling, or the sums of an int16 one, as (height, width,
// channels).
void run_dots(const Plan& plan, const NodePlan& node, const Frame& frame, Scratch* scratch,
              int32_t* dots);

}  // namespace sbnn
