// Which nodes run together, a band of rows at a time.

#include <algorithm>

#include "plan/plan.h"

namespace sbnn {
namespace {

// A band stays in the second-level cache beside its producer's weights and input.
constexpr int64_t kBandBytes = 384 * 1024;

bool is_real_pool(const FusedGraph& graph, const FusedNode& node) {
  return (node.op == Op::kMaxPool || node.op == Op::kAvgPool) &&
         graph.tensors[static_cast<size_t>(node.input)].kind == Kind::kReal;
}

// By tensor, how often it is read, by a caller too.
std::vector<int64_t> count_reads(const FusedGraph& graph) {
  std::vector<int64_t> reads(graph.tensors.size(), 0);
  for (const int output : graph.outputs) ++reads[static_cast<size_t>(output)];
  for (const FusedNode& node : graph.nodes) {
    node.for_inputs([&](int input) { ++reads[static_cast<size_t>(input)]; });
  }
  return reads;
}

// Rows of a pool's output whose windows fit into a band.
int64_t rows_of_band(const FusedNode& pool, const TensorLayout& input, const TensorLayout& output) {
  const int64_t fitting = kBandBytes / input.row_bytes;
  return std::clamp<int64_t>((fitting - rows_spanned(pool)) / pool.stride.y + 1, 1, output.height);
}

// Whether only node `i + 1` reads the one tensor that node `i` writes, as its input.
bool is_private(const FusedGraph& graph, const std::vector<int64_t>& reads, size_t i) {
  const FusedNode& node = graph.nodes[i];
  const std::vector<int> made = node.output_tensors();
  if (i + 1 == graph.nodes.size() || made.size() != 1) return false;
  return graph.nodes[i + 1].input == made[0] && reads[static_cast<size_t>(made[0])] == 1;
}

bool writes(const FusedNode& node, int tensor) {
  const std::vector<int> tensors = node.output_tensors();
  return std::find(tensors.begin(), tensors.end(), tensor) != tensors.end();
}

// Lets each stage that writes what the next one takes the mean of sum up its rows, unless a pool
// makes few and small ones. Where pixels are not whole vectors, a thread would also read what its
// neighbour writes.
void plan_row_sums(const FusedGraph& graph, const std::vector<TensorLayout>& tensors,
                   std::vector<Stage>* stages) {
  constexpr int64_t kVectorFloats = 16;
  for (size_t i = 0; i + 1 < stages->size(); ++i) {
    Stage &stage = (*stages)[i], &next = (*stages)[i + 1];
    const FusedNode& mean = graph.nodes[static_cast<size_t>(next.node)];
    if (stage.band_rows > 0 || mean.op != Op::kGlobalMean ||
        !writes(graph.nodes[static_cast<size_t>(stage.node)], mean.input) ||
        tensors[static_cast<size_t>(mean.input)].channels % kVectorFloats != 0) {
      continue;
    }
    stage.row_sums_of = mean.input;
    next.reads_row_sums = true;
  }
}

}  // namespace

std::vector<Stage> plan_stages(const FusedGraph& graph, const std::vector<TensorLayout>& tensors) {
  const std::vector<int64_t> reads = count_reads(graph);
  std::vector<Stage> stages;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    Stage stage;
    stage.node = static_cast<int>(i);
    if (is_private(graph, reads, i)) {
      const FusedNode &node = graph.nodes[i], &next = graph.nodes[i + 1];
      const bool pools = is_real_pool(graph, next);
      if (pools || (node.op == Op::kIdentity && next.op == Op::kBinaryConv)) {
        stage.producer = stage.node++;
        ++i;
      }
      if (pools) {
        stage.band_rows = rows_of_band(next, tensors[static_cast<size_t>(next.input)],
                                       tensors[static_cast<size_t>(next.output_tensors()[0])]);
        plan_pooled_sums(graph, node, next, &stage);
      }
    }
    stages.push_back(std::move(stage));
  }
  plan_row_sums(graph, tensors, &stages);
  return stages;
}

BandLayout band_layout(const Plan& plan, const Stage& stage) {
  const FusedNode& pool = *plan.nodes[static_cast<size_t>(stage.node)].node;
  const TensorLayout& reals = plan.tensors[static_cast<size_t>(pool.input)];
  if (!stage.pools_sums) return {reals.pixel_bytes, reals.row_bytes};
  // Whole vectors are written, and whole units.
  const NodePlan& conv = plan.nodes[static_cast<size_t>(stage.producer)];
  const int64_t pixel_bytes = round_up(conv.channels, 16) * static_cast<int64_t>(sizeof(int32_t));
  return {pixel_bytes, conv.real.row_outputs() * pixel_bytes};
}

int64_t band_bytes(const Plan& plan, const Stage& stage) {
  const FusedNode& node = *plan.nodes[static_cast<size_t>(stage.node)].node;
  const TensorLayout& between = plan.tensors[static_cast<size_t>(node.input)];
  if (between.kind == Kind::kBits) return between.bytes;
  const int64_t rows = (stage.band_rows - 1) * node.stride.y + rows_spanned(node);
  return std::min(between.height, rows) * band_layout(plan, stage).row_bytes;
}

}  // namespace sbnn
