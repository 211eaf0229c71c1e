#include "run/run_signs.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace sbnn {
namespace {

// Rows of the input, those of its border included, that windows of some rows of output reach.
Range rows_reached(const FusedNode& conv, const Range& rows) {
  const int64_t first = rows.begin * conv.pool.stride.y;  // before pooling
  const int64_t last = (rows.end - 1) * conv.pool.stride.y + conv.pool.kernel.y - 1;
  return {first * conv.stride.y - conv.padding.top,
          last * conv.stride.y - conv.padding.top + rows_spanned(conv)};
}

NodeRunner start_runner(const Plan& plan, int node, const Frame& frame, Scratch* scratch) {
  NodeRunner runner(plan, plan.nodes[static_cast<size_t>(node)], frame, scratch);
  runner.start();
  return runner;
}

}  // namespace

void run_signs(const Plan& plan, const Stage& stage, const Frame& whole, const Range& rows,
               Scratch* scratch) {
  const NodePlan& producer = plan.nodes[static_cast<size_t>(stage.producer)];
  const NodePlan& conv = plan.nodes[static_cast<size_t>(stage.node)];
  const TensorLayout& signs = plan.tensors[static_cast<size_t>(conv.node->input)];
  const Range reached = rows_reached(*conv.node, rows);
  Frame frame = whole;
  frame.banded = conv.node->input;
  uint8_t* const band = scratch->band.data();
  frame.band = band - (reached.begin + signs.border_y) * signs.row_bytes;
  // The border's bits are 0; a producer writes no others but the image's.
  std::memset(band, 0, static_cast<size_t>((reached.end - reached.begin) * signs.row_bytes));

  const auto begin = std::chrono::steady_clock::now();
  start_runner(plan, stage.producer, frame, scratch)
      .run({std::max<int64_t>(reached.begin, 0) * producer.width,
            std::min(reached.end, signs.height) * producer.width},
           {0, static_cast<int64_t>(producer.chunks.size())});
  const auto middle = std::chrono::steady_clock::now();
  NodeRunner finish = start_runner(plan, stage.node, frame, scratch);
  if (stage.row_sums_of != kNone) finish.write_row_sums(stage.row_sums_of, frame.row_sums());
  finish.run({rows.begin * conv.width, rows.end * conv.width},
             {0, static_cast<int64_t>(conv.chunks.size())});
  const std::chrono::duration<double> all = std::chrono::steady_clock::now() - begin;
  scratch->producer_share =
      std::chrono::duration<double>(middle - begin).count() / std::max(all.count(), 1e-9);
}

}  // namespace sbnn
