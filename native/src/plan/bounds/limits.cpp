#include "plan/bounds/limits.h"

#include <algorithm>
#include <cstdio>

namespace sbnn {
namespace {

// Loading fills at most this part of the memory allowed, or this many times the file's own bytes.
constexpr double kConstantsPart = 1.0 / 32, kBytesPerFileByte = 64;

std::string number(double value, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3g%s", value, unit);
  return text;
}

Status refuse(const FusedGraph& graph, size_t node, const Limits& limits, const std::string& what) {
  const std::string size = limits.resized ? "input_size: at this size " : "";
  return {limits.resized ? Code::kInput : Code::kModelFile, size + "nodes[" + std::to_string(node) +
                                                                "]: " + what + " (node '" +
                                                                graph.nodes[node].name + "')"};
}

std::string too_many_operations(double operations, double limit) {
  return "one image takes " + number(operations, " operations") + " up to here, at most " +
         number(limit, " are allowed") + "; load it with a larger max_operations if you trust it";
}

}  // namespace

std::string exceeds(const std::string& what, double bytes, double limit) {
  return what + " " + number(bytes / 1e9, " GB") + " of memory, at most " +
         number(limit / 1e9, " GB are allowed") +
         "; load it with a larger max_bytes if you trust it";
}

Limits limits_of(int64_t max_bytes, int64_t max_operations, size_t file_bytes, bool resized) {
  const auto bytes = static_cast<double>(max_bytes);
  const double constants =
      std::max(bytes * kConstantsPart, kBytesPerFileByte * static_cast<double>(file_bytes));
  return {bytes, constants, static_cast<double>(max_operations), resized};
}

Status check_limits(const FusedGraph& graph, const Plan& plan, const Limits& limits,
                    Estimate* estimate) {
  *estimate = Estimate();
  estimate->arena = static_cast<double>(plan.storage.bytes);
  for (size_t i = 0; i < graph.tables.size(); ++i) {
    if (graph.tables[i] == kNone) continue;
    const auto table = static_cast<size_t>(graph.tables[i]);
    estimate->constants += array_bytes(static_cast<double>(graph.constants[table].bytes));
    estimate->operations += static_cast<double>(element_count(graph.tensors[i]));
  }
  ScratchSizes scratch;
  for (const Stage& stage : plan.stages) {
    if (stage.producer == kNone) continue;
    const FusedNode& node = graph.nodes[static_cast<size_t>(stage.node)];
    const TensorLayout& between = plan.tensors[static_cast<size_t>(node.input)];
    const int64_t rows = (stage.band_rows - 1) * node.stride.y + rows_spanned(node);
    int64_t bytes = std::min(between.height, rows) * between.row_bytes;
    if (between.kind == Kind::kBits) bytes = between.bytes;
    // Whole vectors of sums, and whole units of them.
    if (stage.pools_sums) {
      bytes = std::min(between.height, rows) * round_up(between.width, 4) *
              round_up(between.channels, 16) * static_cast<int64_t>(sizeof(int32_t));
    }
    scratch.band_bytes = std::max(scratch.band_bytes, bytes);
  }
  size_t worst = 0;
  double most = 0;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const NodeEstimate node = estimate_node(graph, plan, i, &scratch);
    const double grown = scratch_bytes(scratch) - estimate->scratch;
    estimate->scratch += grown;
    estimate->constants += node.constants;
    estimate->operations += node.operations;
    if (node.constants + node.tensors + grown > most) {
      most = node.constants + node.tensors + grown;
      worst = i;
    }
    if (estimate->operations > limits.operations) {
      return refuse(graph, i, limits, too_many_operations(estimate->operations, limits.operations));
    }
    // At once, as looking at tables by border takes time, too.
    if (estimate->constants > limits.constants) {
      return refuse(graph, i, limits,
                    exceeds("the constants up to here, as kernels read them, take",
                            estimate->constants, limits.constants));
    }
  }
  if (estimate->bytes() <= limits.bytes) return {};
  return refuse(
      graph, worst, limits,
      exceeds("this is the largest node, and one image takes", estimate->bytes(), limits.bytes));
}

}  // namespace sbnn
