// Which nodes run together, a band of rows at a time.

#include <algorithm>

#include "plan/plan.h"

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
    node.for_inputs([&](int input) { reads += input == tensor ? 1 : 0; });
  }
  return reads;
}

// Rows of a pool's output whose windows fit into a band.
int64_t rows_of_band(const Node& pool, const TensorLayout& input, const TensorLayout& output) {
  const int64_t fitting = kBandBytes / input.row_bytes;
  return std::clamp<int64_t>((fitting - pool.kernel.y) / pool.stride.y + 1, 1, output.height);
}

// Whether only node `i + 1` reads the one tensor that node `i` writes, as its input.
bool is_private(const Graph& graph, size_t i) {
  const Node& node = graph.nodes[i];
  if (i + 1 == graph.nodes.size() || node.signs.size() + (node.real != kNone ? 1 : 0) != 1) {
    return false;
  }
  const int made = node.real != kNone ? node.real : node.signs[0].tensor;
  return graph.nodes[i + 1].input == made && count_reads(graph, made) == 1;
}

// Lets each step that writes what the next one takes the mean of sum up its rows, unless a pool
// makes few and small ones. Where pixels are not whole vectors, a thread would also read what its
// neighbour writes.
void plan_row_sums(const Graph& graph, const std::vector<TensorLayout>& tensors,
                   std::vector<Step>* steps) {
  constexpr int64_t kVectorFloats = 16;
  for (size_t i = 0; i + 1 < steps->size(); ++i) {
    Step &step = (*steps)[i], &next = (*steps)[i + 1];
    const int made = graph.nodes[static_cast<size_t>(step.node)].real;
    const Node& mean = graph.nodes[static_cast<size_t>(next.node)];
    if (made == kNone || step.band_rows > 0 || mean.op != Op::kGlobalMean || mean.input != made ||
        tensors[static_cast<size_t>(made)].channels % kVectorFloats != 0) {
      continue;
    }
    step.writes_row_sums = true;
    next.reads_row_sums = true;
  }
}

}  // namespace

std::vector<Step> plan_steps(const Graph& graph, const std::vector<TensorLayout>& tensors) {
  std::vector<Step> steps;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Step step;
    step.node = static_cast<int>(i);
    if (is_private(graph, i)) {
      const Node &node = graph.nodes[i], &next = graph.nodes[i + 1];
      const bool pools = is_real_pool(graph, next);
      if (pools || (node.op == Op::kPointwise && next.op == Op::kBinaryConv)) {
        step.producer = step.node++;
        ++i;
      }
      if (pools) {
        const int output = next.real != kNone ? next.real : next.signs[0].tensor;
        step.band_rows = rows_of_band(next, tensors[static_cast<size_t>(next.input)],
                                      tensors[static_cast<size_t>(output)]);
        plan_pooled_sums(graph, node, next, &step);
      }
    }
    steps.push_back(std::move(step));
  }
  plan_row_sums(graph, tensors, &steps);
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
  const Node& node = *plan.nodes[static_cast<size_t>(step.node)].node;
  const TensorLayout& between = plan.tensors[static_cast<size_t>(node.input)];
  if (between.kind == Kind::kBits) return between.bytes;
  const int64_t rows = (step.band_rows - 1) * node.stride.y + node.kernel.y;
  return std::min(between.height, rows) * band_layout(plan, step).row_bytes;
}

}  // namespace sbnn
