// Which nodes run together, a band of rows at a time.

#include <algorithm>

#include "plan.h"

namespace sbnn {
namespace {

// A band stays in the second-level cache beside its producer's weights and input.
constexpr int64_t kBandBytes = 384 * 1024;

bool is_real_pool(const Graph& graph, const Node& node) {
  return (node.op == Op::kMaxPool || node.op == Op::kAvgPool) &&
         graph.tensors[static_cast<size_t>(node.input)].kind == Kind::kReal;
}

int64_t count_reads(const Graph& graph, int tensor) {
  int64_t reads = graph.output == tensor ? 1 : 0;
  for (const Node& node : graph.nodes) {
    reads += (node.input == tensor ? 1 : 0) + (node.shortcut.tensor == tensor ? 1 : 0);
  }
  return reads;
}

// Rows of a pool's output whose windows fit into a band.
int64_t rows_of_band(const Node& pool, const TensorLayout& input, const TensorLayout& output) {
  const int64_t fitting = kBandBytes / input.row_bytes;
  return std::clamp<int64_t>((fitting - pool.kernel.y) / pool.stride.y + 1, 1, output.height);
}

}  // namespace

std::vector<Step> plan_steps(const Graph& graph, const std::vector<TensorLayout>& tensors) {
  std::vector<Step> steps;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Step step;
    step.node = static_cast<int>(i);
    const int made = graph.nodes[i].real;
    const bool has_next =
        made != kNone && graph.nodes[i].signs.empty() && i + 1 < graph.nodes.size();
    if (has_next && graph.nodes[i + 1].input == made && is_real_pool(graph, graph.nodes[i + 1]) &&
        count_reads(graph, made) == 1) {
      const Node& pool = graph.nodes[i + 1];
      const int output = pool.real != kNone ? pool.real : pool.signs[0].tensor;
      step.producer = step.node++;
      step.band_rows = rows_of_band(pool, tensors[static_cast<size_t>(made)],
                                    tensors[static_cast<size_t>(output)]);
      plan_pooled_sums(graph, graph.nodes[i], pool, &step);
      ++i;
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

BandLayout band_layout(const Plan& plan, const Step& step) {
  const Node& pool = *plan.nodes[static_cast<size_t>(step.node)].node;
  const TensorLayout& reals = plan.tensors[static_cast<size_t>(pool.input)];
  if (!step.pools_sums) return {reals.pixel_bytes, reals.row_bytes};
  // Whole vectors are written, and whole units.
  const NodePlan& conv = plan.nodes[static_cast<size_t>(step.producer)];
  const int64_t pixel_bytes = round_up(conv.channels, 16) * static_cast<int64_t>(sizeof(int32_t));
  return {pixel_bytes, conv.real.row_outputs() * pixel_bytes};
}

int64_t band_bytes(const Plan& plan, const Step& step) {
  const Node& pool = *plan.nodes[static_cast<size_t>(step.node)].node;
  const TensorLayout& reals = plan.tensors[static_cast<size_t>(pool.input)];
  const int64_t rows = (step.band_rows - 1) * pool.stride.y + pool.kernel.y;
  return std::min(reals.height, rows) * band_layout(plan, step).row_bytes;
}

}  // namespace sbnn
