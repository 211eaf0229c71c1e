#include "plan/plan_chain.h"

#include <algorithm>

#include "format/table.h"
#include "plan/plan.h"

namespace sbnn {
namespace {

StepPlan plan_step(const FusedGraph& graph, const ChainStep& chained, const NodePlan& node) {
  const Keys& keys = chained.step.keys;
  StepPlan plan;
  plan.op = chained.step.op;
  // At most two, see StepArgs.
  AlignedArray<float>* target = &plan.first;
  for_constants(row_of(plan.op), [&](Key key) {
    *target = copy_constant<float>(graph, keys.constant(key));
    target = &plan.second;
  });
  if (chained.operand != kNone) {
    plan.operand = {chained.operand, keys.pair(Key::kEvery), keys.integer(Key::kOffset),
                    static_cast<Repeat>(keys.integer(Key::kRepeat))};
  }
  const std::vector<TapRange>& rows = keys.at(Key::kRowTaps).taps;
  const std::vector<TapRange>& columns = keys.at(Key::kColumnTaps).taps;
  if (rows.empty()) return plan;
  const FusedNode& spec = *node.node;
  const TensorSpec& input = graph.tensors[static_cast<size_t>(spec.input)];
  plan.border.rows = std::move(plan.second);
  plan.second = AlignedArray<float>();
  plan.border.by_row = tap_sets(spec.row_axis(input.height), rows);
  plan.border.by_column = tap_sets(spec.column_axis(input.width), columns);
  const auto row_step = static_cast<int64_t>(columns.size()) * node.channels;
  for (int64_t& row : plan.border.by_row) row *= row_step;
  for (int64_t& column : plan.border.by_column) column *= node.channels;
  return plan;
}

}  // namespace

std::vector<int64_t> tap_sets(const Axis& axis, const std::vector<TapRange>& sets) {
  const AxisTaps met(axis);
  std::vector<int64_t> places;
  for (const TapRange& taps : met.sets) {
    places.push_back(std::find(sets.begin(), sets.end(), taps) - sets.begin());
  }
  std::vector<int64_t> by_output;
  for (const int64_t place : met.by_output) {
    by_output.push_back(places[static_cast<size_t>(place)]);
  }
  return by_output;
}

SignPlan plan_sign(const FusedGraph& graph, int threshold, int flip, int64_t channels) {
  SignPlan sign;
  const auto count = static_cast<size_t>(channels);
  if (threshold == kNone) {
    sign.threshold = AlignedArray<float>(count);
  } else if (graph.constants[static_cast<size_t>(threshold)].dtype == DType::kI32) {
    sign.integer_threshold = copy_constant<int32_t>(graph, threshold);
  } else {
    sign.threshold = copy_constant<float>(graph, threshold);
  }
  sign.flip = AlignedArray<uint64_t>((count + 63) / 64);
  if (flip == kNone) return sign;
  const Constant& constant = graph.constants[static_cast<size_t>(flip)];
  for (size_t c = 0; c < count; ++c) {
    sign.flip[c / 64] |= uint64_t{constant.data[c]} << (c % 64);
  }
  return sign;
}

ChainPlan plan_chain(const FusedGraph& graph, const NodePlan& plan) {
  ChainPlan chain;
  for (const ChainStep& step : plan.node->steps) {
    chain.steps.push_back(plan_step(graph, step, plan));
  }
  for (const ChainOutput& chained : plan.node->outputs) {
    const Output& output = chained.output;
    StorePlan store;
    store.after = static_cast<int>(output.after);
    store.tensor = chained.tensor;
    if (output.kind == Kind::kBits) {
      store.sign = plan_sign(graph, output.threshold, output.flip, plan.channels);
    }
    chain.stores.push_back(std::move(store));
  }
  std::stable_sort(chain.stores.begin(), chain.stores.end(),
                   [](const StorePlan& a, const StorePlan& b) { return a.after < b.after; });
  return chain;
}

}  // namespace sbnn
