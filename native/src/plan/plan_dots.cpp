// How a binary convolution's dots become its values: in registers, in the common epilogue, or
// adjusted before it.

#include <set>

#include "plan/plan.h"

namespace sbnn {
namespace {

// Places at which values appear that are not there before.
std::vector<size_t> first_of_each(const std::vector<int64_t>& values) {
  std::vector<size_t> places;
  std::set<int64_t> seen;
  for (size_t i = 0; i < values.size(); ++i) {
    if (seen.insert(values[i]).second) places.push_back(i);
  }
  return places;
}

// The file's shift, (row sets, column sets, channels), as rows for each border pattern of the base
// table, as far apart as its.
AlignedArray<float> spread_shift(const AlignedArray<float>& dense, const TensorSpec& input,
                                 const NodePlan& plan) {
  const FusedNode& node = *plan.node;
  const auto channels = static_cast<size_t>(plan.channels);
  const std::vector<int64_t> rows = tap_sets(node.row_axis(input.height), node.row_taps);
  const std::vector<int64_t> columns = tap_sets(node.column_axis(input.width), node.column_taps);
  AlignedArray<float> spread(plan.binary.base.size());
  const auto place = [&](size_t y, size_t x) {
    const auto set =
        static_cast<size_t>(rows[y]) * node.column_taps.size() + static_cast<size_t>(columns[x]);
    std::memcpy(spread.data() + plan.binary.row_base[y] + plan.binary.column_base[x],
                dense.data() + set * channels, channels * sizeof(float));
  };
  for (const size_t y : first_of_each(plan.binary.row_base)) {
    for (const size_t x : first_of_each(plan.binary.column_base)) place(y, x);
  }
  return spread;
}

void plan_adjustment(const FusedGraph& graph, NodePlan* plan) {
  const FusedNode& node = *plan->node;
  const bool by_border = node.has_border_shift();
  if (by_border) {
    const TensorSpec& input = graph.tensors[static_cast<size_t>(node.input)];
    plan->shift = spread_shift(plan->shift, input, *plan);
  }
  plan->shifts_by_border = by_border;
  plan->adjusts_dots = by_border || node.map != kNone || node.sums.tensor != kNone;
  if (node.map != kNone) plan->kernel += "+map";
  if (node.sums.tensor != kNone) plan->kernel += "+sums";
  if (by_border) plan->kernel += "+border";
}

// Whether the epilogue needs more than FinishDotsArgs has for activations other than maxout.
bool is_general(const FusedNode& node) {
  return node.activation == Activation::kMaxout || node.offset != kNone || node.shortcut.repeat;
}

bool can_finish_shortcut(const TensorLayout& shortcut, const KernelTable& kernels,
                         const NodePlan& plan) {
  const Shortcut& spec = plan.node->shortcut;
  if (shortcut.height != plan.height || shortcut.width != plan.width || spec.offset != 0) {
    return false;
  }
  if (spec.repeat) return shortcut.channels % kernels.word_lanes == 0;
  return shortcut.channels == plan.channels;
}

// Whether a binary convolution's epilogue may follow each vector of its dots, see FinishDotsArgs.
bool can_finish_dots(const std::vector<TensorLayout>& tensors, const KernelTable& kernels,
                     const NodePlan& plan) {
  const FusedNode& node = *plan.node;
  if (kernels.finish_dots == nullptr || plan.window_area > 1 || node.signs.size() > 1) return false;
  if (plan.adjusts_dots) return false;
  if (plan.wants_real) {
    if (plan.scale.empty()) return false;
    if (node.activation == Activation::kSigmoid || node.activation == Activation::kRelu) {
      return false;
    }
    if (node.activation == Activation::kHardtanh && is_general(node)) return false;
    if (!plan.signs.empty() && plan.signs[0].threshold.empty()) return false;
  }
  if (node.shortcut.tensor != kNone &&
      !can_finish_shortcut(tensors[static_cast<size_t>(node.shortcut.tensor)], kernels, plan)) {
    return false;
  }
  for (const SignOutput& output : node.signs) {
    if (tensors[static_cast<size_t>(output.tensor)].pixel_bytes * 8 != plan.channels) return false;
  }
  for (const Block& block : plan.blocks) {
    if (block.filters % kernels.word_lanes != 0) return false;
  }
  return true;
}

// A general epilogue as a maxout with an offset: v·1 is v, and so is v + -0.0, whatever v is.
void make_maxout(NodePlan* plan) {
  const auto fill = [&](AlignedArray<float>* constant, float value) {
    if (!constant->empty()) return;
    *constant = AlignedArray<float>(static_cast<size_t>(plan->channels));
    std::fill_n(constant->data(), plan->channels, value);
    plan->bytes += static_cast<int64_t>(constant->bytes());
  };
  fill(&plan->slope, 1.0f);
  fill(&plan->positive_slope, 1.0f);
  fill(&plan->offset, -0.0f);
  plan->finish = Activation::kMaxout;
}

}  // namespace

void plan_dots(const FusedGraph& graph, const std::vector<TensorLayout>& tensors,
               const KernelTable& kernels, NodePlan* plan) {
  plan_adjustment(graph, plan);
  plan->finishes_dots = can_finish_dots(tensors, kernels, *plan);
  plan->finish = plan->node->activation;
  if (plan->finishes_dots && plan->wants_real && is_general(*plan->node)) make_maxout(plan);
}

}  // namespace sbnn
