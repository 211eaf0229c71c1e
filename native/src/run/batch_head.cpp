#include "run/batch_head.h"

#include <algorithm>

namespace sbnn {

void run_head(const Plan& plan, const float* inputs, int64_t count, const Range& chunks,
              float* outputs, Scratch* scratch) {
  const NodePlan& node = plan.nodes[static_cast<size_t>(plan.stages.back().node)];
  const TensorLayout& input = plan.tensors[static_cast<size_t>(node.node->input)];
  const RealConvPlan& real = node.real;
  RealConvArgs conv{};
  conv.segments = static_cast<int>(real.offsets_in_place.size());
  conv.offsets = real.offsets_in_place.data();
  conv.tracks = real.tracks.data();
  conv.steps = real.steps;
  conv.window = scratch->conv_windows.data();
  conv.sums = scratch->tile.data();
  conv.sums_step = node.tile_step;
  EpilogueRun run{};
  run.values = scratch->tile.data();
  EpilogueArgs finish{};
  finish.run_count = 1;
  finish.runs = &run;
  finish.value_step = node.tile_step;
  finish.real_step = node.channels;
  finish.wants_real = true;
  finish.scale = node.scale.data();
  finish.shift = node.shift.data();
  finish.activation = node.node->activation;
  finish.slope = node.slope.data();
  finish.positive_slope = node.positive_slope.data();
  finish.offset = node.offset.data();
  for (int64_t begin = 0; begin < count; begin += kHeadImages) {
    run.pixels = std::min(kHeadImages, count - begin);
    run.real = outputs + begin * node.channels;
    conv.windows = static_cast<int>(run.pixels);
    for (int64_t i = 0; i < run.pixels; ++i) {
      scratch->conv_windows[static_cast<size_t>(i)] =
          reinterpret_cast<const uint8_t*>(inputs + (begin + i) * input.channels);
    }
    for (int64_t i = chunks.begin; i < chunks.end; ++i) {
      // Of ungrouped filters a chunk is one block.
      const Chunk& chunk = node.chunks[static_cast<size_t>(i)];
      const Block& block = node.blocks[chunk.first_block];
      conv.filters = static_cast<int>(block.filters);
      conv.weights = real.weights.data() + block.weights;
      plan.kernels->real_conv(conv);
      finish.channel_begin = chunk.channel;
      finish.channel_count = chunk.channels;
      plan.kernels->epilogue(finish);
    }
  }
}

}  // namespace sbnn
