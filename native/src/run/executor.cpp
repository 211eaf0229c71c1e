#include "run/executor.h"

#include <algorithm>

#include "run/run_bands.h"
#include "run/run_signs.h"

namespace sbnn {
namespace {

// A part should outweigh handing it out.
constexpr double kPartNanoseconds = 2000;

Range part_of(int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

}  // namespace

Scratch::Scratch(const ScratchSizes& sizes)
    : tile(static_cast<size_t>(sizes.tile_values)),
      dots(static_cast<size_t>(sizes.dots)),
      panel(sizes.panel_bytes, sizes.staging_pixels),
      pooled_signs(static_cast<size_t>(sizes.input_pixel_bytes)),
      band(static_cast<size_t>(sizes.band_bytes)),
      row_sums(static_cast<size_t>(sizes.row_sums)),
      sign_sums(static_cast<size_t>(sizes.sign_sums)),
      factors(static_cast<size_t>(sizes.factors)),
      gathered(static_cast<size_t>(sizes.gathered_words)),
      triple_xors(static_cast<size_t>(sizes.triple_xor_bytes)),
      signs(static_cast<size_t>(sizes.signs)),
      conv_windows(static_cast<size_t>(sizes.conv_units)),
      windows(kTileWindows),
      group_windows(kTileWindows),
      base(kTileWindows),
      sign_pixels(kTileWindows),
      runs(static_cast<size_t>(sizes.runs)),
      sign_runs(static_cast<size_t>(sizes.signs * sizes.runs)),
      steps(static_cast<size_t>(sizes.steps)),
      step_runs(static_cast<size_t>(sizes.steps * sizes.runs)),
      stores(static_cast<size_t>(sizes.signs)) {
  window_runs.reserve(kTileWindows);
  for (int64_t i = 0; i < kTileWindows; ++i) {
    gathered_windows.push_back(reinterpret_cast<const uint8_t*>(gathered.data() + i));
  }
}

int useful_threads(const NodePlan& node, int threads) {
  return std::clamp(static_cast<int>(std::min(node.cost / kPartNanoseconds, 1024.0)), 1, threads);
}

Split split_node(const NodePlan& node, int threads) {
  // Several parts per thread, equally many, even out what disturbs one of the threads.
  constexpr int64_t kPartPixels = 12;
  constexpr int64_t kPartsPerThread = 2;
  Split split;
  if (threads == 1) return split;
  int64_t wanted = threads;
  if (node.cost >= kPartNanoseconds * kPartsPerThread * threads) wanted *= kPartsPerThread;
  split.pixel_parts = static_cast<int>(std::clamp<int64_t>(node.pixels() / kPartPixels, 1, wanted));
  // Threads must not share a pixel whose signs are written bit by bit.
  if (split.pixel_parts < threads && !node.spread_signs) {
    const auto chunks = static_cast<int64_t>(node.chunks.size());
    split.chunk_parts = static_cast<int>(
        std::clamp<int64_t>(wanted / split.pixel_parts, 1, std::max<int64_t>(chunks, 1)));
  }
  return split;
}

void run_dots(const Plan& plan, const NodePlan& node, const Frame& frame, Scratch* scratch,
              int32_t* dots) {
  const NodeContext context(plan, node, frame, scratch);
  if (node.node->op == Op::kBinaryConv) {
    all_dots(context, dots);
  } else {
    all_sums(context, dots);
  }
}

void run_node(const Plan& plan, const NodePlan& node, const Frame& frame, const Split& split,
              int part, Scratch* scratch) {
  NodeRunner runner(plan, node, frame, scratch);
  runner.start();
  runner.run(part_of(node.pixels(), part / split.chunk_parts, split.pixel_parts),
             part_of(static_cast<int64_t>(node.chunks.size()), part % split.chunk_parts,
                     split.chunk_parts));
}

Split split_stage(const Plan& plan, const Stage& stage, int threads) {
  const NodePlan& node = plan.nodes[static_cast<size_t>(stage.node)];
  if (stage.producer == kNone) {
    Split split = split_node(node, threads);
    if (stage.row_sums_of != kNone) {
      split.pixel_parts =
          static_cast<int>(std::min(int64_t{split.pixel_parts}, node.height));  // of whole rows
    }
    return split;
  }
  // At each cut some of the producer's rows are made twice: no more parts than threads.
  Split split;
  split.pixel_parts = static_cast<int>(std::min(int64_t{threads}, node.height));
  return split;
}

void run_stage(const Plan& plan, const Stage& stage, const Frame& frame, const Split& split,
               int part, Scratch* scratch) {
  const NodePlan& node = plan.nodes[static_cast<size_t>(stage.node)];
  if (stage.producer != kNone) {
    const Range rows = part_of(node.height, part, split.parts());
    if (plan.tensors[static_cast<size_t>(node.node->input)].kind == Kind::kBits) {
      run_signs(plan, stage, frame, rows, scratch);
    } else {
      run_bands(plan, stage, frame, rows, scratch);
    }
    return;
  }
  if (stage.row_sums_of != kNone) {
    const Range rows = part_of(node.height, part / split.chunk_parts, split.pixel_parts);
    NodeRunner runner(plan, node, frame, scratch);
    runner.write_row_sums(stage.row_sums_of, frame.row_sums());
    runner.start();
    runner.run({rows.begin * node.width, rows.end * node.width},
               part_of(static_cast<int64_t>(node.chunks.size()), part % split.chunk_parts,
                       split.chunk_parts));
    return;
  }
  Frame node_frame = frame;
  if (stage.reads_row_sums) node_frame.input_row_sums = frame.row_sums();
  run_node(plan, node, node_frame, split, part, scratch);
}

}  // namespace sbnn
