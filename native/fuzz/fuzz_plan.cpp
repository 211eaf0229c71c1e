// Written graphs, damaged or not, made ready to run, fused and not, where bounds allow it. What the
// plan then holds must be within a factor of two of its estimate.

#include "cpu/dispatch.h"
#include "damage.h"
#include "graph_writer.h"
#include "plan/bounds/held.h"
#include "plan/bounds/limits.h"
#include "plan/fuse.h"
#include "require.h"

namespace {

constexpr int64_t kBytes = 1 << 26, kOperations = int64_t{1} << 40;

bool within_twice(double estimate, double truth) {
  constexpr double kLittle = 4096;  // lists of a few entries
  return estimate <= 2 * truth + kLittle && truth <= 2 * estimate + kLittle;
}

void plan(const sbnn::Graph& graph, size_t size, bool fuse) {
  const sbnn::FusedGraph fused = sbnn::fuse_graph(graph, fuse);
  sbnn::Plan plan;
  sbnn::plan_layout(fused, *sbnn::usable_kernels().front(), &plan);
  sbnn::Estimate estimate;
  const sbnn::Limits limits = sbnn::limits_of(kBytes, kOperations, size, false);
  if (!sbnn::check_limits(fused, plan, limits, &estimate).ok()) return;
  sbnn::plan_nodes(fused, &plan);
  double held = 0;
  for (const sbnn::NodePlan& node : plan.nodes) held += static_cast<double>(held_bytes(node));
  fuzz::require(within_twice(estimate.constants, held), "constants are misjudged");
  fuzz::require(within_twice(estimate.scratch, sbnn::scratch_bytes(plan.scratch)),
                "scratch is misjudged");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Draws draws(data, size);
  fuzz::GraphText text = fuzz::GraphWriter(&draws).write();
  if (draws.chance(2)) fuzz::damage(&draws, &text);
  const std::vector<uint8_t> file = fuzz::file_of(text);
  sbnn::Graph graph;
  if (!sbnn::read_model(file.data(), file.size(), {0, 0}, &graph).ok()) return 0;
  plan(graph, file.size(), true);
  plan(graph, file.size(), false);
  return 0;
}
