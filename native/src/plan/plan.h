// A graph made ready to run on one set of kernels: where every tensor lies, how every node is cut
// into tiles, and its weights in the order in which the kernels read them.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "cpu/memory.h"
#include "kernels/kernels.h"
#include "plan/fused_graph.h"
#include "plan/layouts/bits_layout.h"
#include "plan/layouts/gather.h"
#include "plan/layouts/row_panel.h"
#include "plan/plan_chain.h"

namespace sbnn {

// Windows of one tile, before pooling. Small enough for L1, large enough that a block's weights are
// read many times while they are there.
constexpr int64_t kTileWindows = 64;

// Images of a tile of a batch's head, see batch_head.h.
constexpr int64_t kHeadImages = 64;

// One image's worth of a tensor. Bits have a border of 0 around them as wide as the padding of the
// convolutions that read them; a producer never writes it, so it stays 0 for ever.
struct TensorLayout {
  Kind kind = Kind::kReal;
  int64_t height = 0, width = 0, channels = 0;
  int64_t pixel_bytes = 0;  // from a pixel to the next (not of an image: it may be u8 or float32)
  int64_t row_bytes = 0;
  int64_t origin = 0;  // of pixel (0, 0)
  int64_t bytes = 0;
  int64_t border_y = 0, border_x = 0;
  BitsLayout bits;

  int64_t pixels() const { return height * width; }
  int64_t at(int64_t y, int64_t x) const { return origin + y * row_bytes + x * pixel_bytes; }
};

// Where each tensor begins in an arena; kNone for the image, which is the caller's memory, and for
// what exists in bands only.
struct StoragePlan {
  std::vector<int64_t> offsets;
  int64_t row_sums = 0;  // where a stage leaves them for the stage behind it
  int64_t bytes = 0;
};

// Filters of one group that a kernel call computes together.
struct Block {
  int64_t group = 0;
  int64_t channel = 0;  // first
  int64_t filters = 0;
  size_t weights = 0;  // index of its first weight
};

// Channels that an epilogue call finishes together, and the blocks that yield them.
struct Chunk {
  int64_t channel = 0;
  int64_t channels = 0;
  size_t first_block = 0;
  size_t blocks = 0;
};

// What BinaryDotArgs needs; see there for the arithmetic.
//
// A window is read in runs of bits that lie side by side: a row of the kernel, or a tap where
// dilation or groups part them. Runs of whole 32-bit words are read where they are. Others, which
// only inputs of at most 16 channels per group have, are gathered first, a tile of windows at a
// time; see is_gathered().
struct BinaryConvPlan {
  int64_t height = 0, width = 0;  // before pooling
  GatherPlan gather;              // empty where windows are read in place
  int64_t runs = 0;               // 1 where gathered
  int triples = 0, singles = 0;
  std::vector<int64_t> offsets;  // of triples, then of singles
  int64_t second = 0;            // bytes from a triple's first word to its second
  int64_t triple_xors_end = 0;   // and to the end of the triples' first words
  AlignedArray<uint32_t> weights;
  AlignedArray<int32_t> base;  // [border pattern][base_step]
  int64_t base_step = 0;
  std::vector<int64_t> row_base;     // by y; the row of a pattern begins at row_base + column_base
  std::vector<int64_t> column_base;  // by x
  std::vector<int64_t> same_until;   // by x of a pooled output: where that changes next
};

// What RealConvArgs needs. Windows lie in a panel of rows, or in the input itself where that is
// float32 and has no padding. A unit is a window of each track and yields 2^levels outputs of a
// row.
struct RealConvPlan {
  bool in_place = false;                  // where the input is float32
  int64_t value_bytes = 0;                // of an input value in a panel
  std::vector<int64_t> offsets;           // of segments in a panel, in bytes
  std::vector<int64_t> offsets_in_place;  // the same in the input
  std::vector<ConvTrack> tracks;
  int64_t steps = 0;               // of all tracks and segments; of bytes the words of a filter
  AlignedArray<uint32_t> weights;  // steps
  PanelPlan panel;
  int64_t tile_units = 0;  // at most

  int levels() const { return panel.tracks.levels; }
  int64_t row_outputs() const { return panel.units << levels(); }  // of all units of a row
};

// A constant of an operation, by its key in the table.
struct KeyConstant {
  Key key;
  AlignedArray<float> values;
};

struct NodePlan {
  const FusedNode* node = nullptr;
  int64_t height = 0, width = 0, channels = 0;  // of the outputs
  int64_t window_area = 1;                      // windows pooled into one output
  int64_t tile_pixels = 0;
  int64_t tile_step = 0;  // values from a tile's pixel to the next
  bool integer = false;   // v0 is int32,
  bool has_dots = false;  // and can be looked at
  bool wants_real = false;
  bool values_in_place = false;  // v0 is read where the input lies, so tiles need not fit L1
  bool spread_signs = false;     // some sign output has gaps between groups
  bool finishes_dots = false;    // the epilogue follows each vector of dots, see FinishDotsArgs,
  Activation finish = Activation::kNone;  // with this activation
  std::vector<Chunk> chunks;
  std::vector<Block> blocks;
  AlignedArray<float> scale, shift, slope, positive_slope, offset;  // empty where absent
  std::vector<SignPlan> signs;
  std::vector<KeyConstant> constants;  // of an operation without weights
  ChainPlan chain;                     // of a node that runs step by step
  BinaryConvPlan binary;
  RealConvPlan real;
  std::string kernel;
  int64_t macs = 0;       // an image
  int64_t bytes = 0;      // of constants, as held for the kernels
  double cost = 0;        // a rough time in ns, to decide how far to split
  double pixel_cost = 0;  // of it a pixel's in one chunk

  int64_t pixels() const { return height * width; }
  const AlignedArray<float>& constant(Key key) const {
    return std::find_if(constants.begin(), constants.end(),
                        [&](const KeyConstant& own) { return own.key == key; })
        ->values;
  }
  bool by_steps() const { return node->by_steps; }
};

// Nodes that run together: one, or one and the `producer` of a tensor that only this node reads.
// Such a tensor never exists as a whole: each thread makes the rows that it is about to read. Reals
// of a pool come a band of rows at a time, so that they stay in the cache; signs that a pointwise
// node makes for a binary convolution fit there anyway.
//
// A max pool may take its maxima of a convolution's sums; what makes reals of sums is then done for
// the largest of a window alone. See plan_pooled_sums.cpp.
struct Stage {
  int node = kNone;  // the last of them
  int producer = kNone;
  int64_t band_rows = 0;  // of a pool's output
  bool pools_sums = false;
  AlignedArray<uint32_t> order;  // then by channel, see PoolArgs; empty where nothing is turned
  int row_sums_of = kNone;       // a tensor that it writes, while that is in the cache,
  bool reads_row_sums = false;   // for the global mean that is the next stage
};

// From a row's sums to the next row's, in floats: whole vectors.
inline int64_t row_sums_step(int64_t channels) { return round_up(channels, 16); }

// The largest scratch any node of the plan needs.
struct ScratchSizes {
  int64_t tile_values = 0;
  int64_t dots = 0;
  int64_t panel_bytes = 0;     // of a real convolution: rows,
  int64_t staging_pixels = 0;  // a row before it is split,
  int64_t conv_units = 0;      // windows
  int64_t signs = 0;
  int64_t runs = 0;  // rows that a tile is in
  int64_t band_bytes = 0;
  int64_t input_pixel_bytes = 0;  // of pooled or moved signs
  int64_t gathered_words = 0;     // of the gathered windows of a tile
  int64_t triple_xor_bytes = 0;   // of the words that complete triples
  int64_t row_sums = 0;           // of a global mean's input
  int64_t sign_sums = 0;          // of the columns that a tile's windows meet
  int64_t factors = 0;            // of a product
  int64_t steps = 0;              // of a chain

  // Makes each size at least the other's.
  void raise_to(const ScratchSizes& other);
};

struct Plan {
  const KernelTable* kernels = nullptr;
  std::vector<TensorLayout> tensors;
  std::vector<NodePlan> nodes;
  bool pixels_only = false;                   // a node has int16 weights: images are uint8
  std::vector<Stage> stages;                  // every node, in order
  bool batch_head = false;                    // the last of them may run for several images at once
  std::vector<AlignedArray<uint8_t>> tables;  // by input, channel and pixel; empty where none is
  StoragePlan storage;        // for stages: tensors share memory once nobody reads them any more
  StoragePlan whole_storage;  // every tensor has its own, for looking at them
  ScratchSizes scratch;
};

// A plan is made in two parts. Between them check_limits() may refuse what the second part would
// allocate, see bounds/limits.h. First where tensors lie, which takes memory for lists alone:
void plan_layout(const FusedGraph& graph, const KernelTable& kernels, Plan* plan);
// then each node. Reads the constants of `graph`, which are not needed afterwards; keeps pointers
// to its nodes.
void plan_nodes(const FusedGraph& graph, Plan* plan);

// Both, for a graph that is trusted.
inline void make_plan(const FusedGraph& graph, const KernelTable& kernels, Plan* plan) {
  plan_layout(graph, kernels, plan);
  plan_nodes(graph, plan);
}

// A constant by channel; empty where the file has none.
template <typename T>
AlignedArray<T> copy_constant(const FusedGraph& graph, int index) {
  if (index == kNone) return {};
  const Constant& constant = graph.constants[static_cast<size_t>(index)];
  AlignedArray<T> copy(constant.bytes / sizeof(T));
  std::memcpy(copy.data(), constant.data, constant.bytes);
  return copy;
}

// Pixels from a window's first tap to its last.
inline int64_t rows_spanned(const FusedNode& node) {
  return (node.kernel.y - 1) * node.dilation.y + 1;
}
inline int64_t columns_spanned(const FusedNode& node) {
  return (node.kernel.x - 1) * node.dilation.x + 1;
}

// Columns that windows of a tile's pixels reach, if they lie in one row.
inline int64_t columns_reached(const FusedNode& node, const TensorLayout& input, int64_t pixels) {
  return std::min(input.width, (pixels - 1) * node.stride.x + columns_spanned(node));
}

// The parts of make_plan that have a file of their own.
std::vector<TensorLayout> plan_tensors(const FusedGraph& graph);
std::vector<Stage> plan_stages(const FusedGraph& graph, const std::vector<TensorLayout>& tensors);
// Whether the last node may run for several images of a batch at once. Needs tensors and stages.
bool has_batch_head(const FusedGraph& graph, const Plan& plan);
void plan_pooled_sums(const FusedGraph& graph, const FusedNode& conv, const FusedNode& pool,
                      Stage* stage);
StoragePlan plan_storage(const FusedGraph& graph, const std::vector<TensorLayout>& tensors,
                         bool reuse);
void plan_binary_conv(const FusedGraph& graph, const TensorLayout& input,
                      const KernelTable& kernels, NodePlan* plan);
// What is known once a binary convolution and its epilogue are planned: how its dots are finished.
void plan_dots(const std::vector<TensorLayout>& tensors, const KernelTable& kernels,
               NodePlan* plan);
void plan_real_conv(const FusedGraph& graph, const TensorLayout& input, const KernelTable& kernels,
                    NodePlan* plan);
void plan_simple(const FusedGraph& graph, const std::vector<TensorLayout>& tensors,
                 const KernelTable& kernels, NodePlan* plan);

// The plan of an operation without weights. Its tile, unless v0 is read `in_place`, where the input
// lies:
struct SimpleTile {
  bool in_place;
  int64_t step, pixels;
};
SimpleTile simple_tile(const FusedNode& node, const TensorLayout& input,
                       const TensorLayout& output);
// what a thread needs beside it,
ScratchSizes simple_scratch(const FusedNode& node, const Plan& plan, int64_t tile_pixels);
// and how many values it reads for one that it yields.
int64_t reads_per_value(const FusedNode& node, const TensorLayout& input);

// A real convolution's window in rows of its input: runs of values that lie side by side.
struct RowSegments {
  bool by_row;     // whether a row of the kernel is one of them, else a tap is
  int64_t count;   // of a window
  int64_t values;  // of a segment
};
RowSegments row_segments(const FusedNode& node, const TensorLayout& input);
// Bytes of a value in its panel: a float32, or a pixel where weights are int16.
inline int64_t panel_value_bytes(bool integer, const KernelTable& kernels) {
  return integer ? kernels.pixel_bytes : static_cast<int64_t>(sizeof(float));
}
// Those of a row; of bytes the last step may read fifteen past its end.
inline int64_t panel_row_bytes(int64_t values, int64_t value_bytes) {
  return round_up(values * value_bytes + (value_bytes == 1 ? 15 : 0), 64);
}
// How a convolution that yields rows of this width is split, see pixel_tracks.h, and the words of
// one filter then, for values of so many bytes.
TrackShape choose_tracks(const FusedNode& node, const TensorLayout& input, int64_t value_bytes,
                         int64_t width);
int64_t filter_words(const TrackShape& shape, const RowSegments& segments, int64_t value_bytes);

// How a stage's rows between its two nodes lie in the band, and the bytes of a whole band.
struct BandLayout {
  int64_t pixel_bytes, row_bytes;
};
BandLayout band_layout(const Plan& plan, const Stage& stage);
int64_t band_bytes(const Plan& plan, const Stage& stage);

}  // namespace sbnn
