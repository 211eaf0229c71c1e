#include "plan/plan.h"

#include <algorithm>

#include "plan/words.h"

namespace sbnn {
namespace {

void plan_epilogue(const FusedGraph& graph, const std::vector<TensorLayout>& tensors,
                   NodePlan* plan) {
  const FusedNode& node = *plan->node;
  plan->scale = copy_constant<float>(graph, node.scale);
  plan->shift = copy_constant<float>(graph, node.shift);
  plan->slope = copy_constant<float>(graph, node.slope);
  plan->positive_slope = copy_constant<float>(graph, node.positive_slope);
  plan->offset = copy_constant<float>(graph, node.offset);
  plan->wants_real = node.real != kNone;
  for (const AlignedArray<float>* constant :
       {&plan->scale, &plan->shift, &plan->slope, &plan->positive_slope, &plan->offset}) {
    plan->bytes += static_cast<int64_t>(constant->bytes());
  }
  for (const SignOutput& output : node.signs) {
    plan->signs.push_back(plan_sign(graph, output.threshold, output.flip, plan->channels));
    plan->wants_real |= !plan->signs.back().threshold.empty();
    plan->bytes += plan->signs.back().bytes();
  }
  plan->chain = plan_chain(graph, *plan);
  for (const StepPlan& step : plan->chain.steps) plan->bytes += step.bytes();
  for (const StorePlan& store : plan->chain.stores) plan->bytes += store.sign.bytes();
  node.for_outputs([&](int tensor) {
    const TensorLayout& output = tensors[static_cast<size_t>(tensor)];
    plan->spread_signs |= output.kind == Kind::kBits && !output.bits.contiguous();
  });
}

// What a thread needs to run a planned node.
ScratchSizes scratch_of(const NodePlan& plan, const TensorLayout& input, const Plan& all) {
  const FusedNode& node = *plan.node;
  const RealConvPlan& real = plan.real;
  ScratchSizes scratch;
  if (node.weight == kNone) scratch = simple_scratch(node, all, plan.tile_pixels);
  if (!plan.values_in_place) scratch.tile_values = plan.tile_pixels * plan.tile_step;
  scratch.tile_values =
      std::max(scratch.tile_values, (real.tile_units * plan.tile_step) << real.levels());
  if (plan.window_area > 1) scratch.dots = kTileWindows * plan.tile_step;
  const int64_t gathered = plan.binary.gather.words();
  if (gathered > 0) {
    scratch.gathered_words = kTileWindows * gathered;
    scratch.triple_xor_bytes = triple_bytes(plan.binary.triple_xors_end, *all.kernels);
  } else if (plan.binary.triples > 0) {
    scratch.triple_xor_bytes = triple_bytes(input.bytes, *all.kernels);
  }
  scratch.runs = plan.tile_pixels / plan.width + 2;
  scratch.panel_bytes = real.panel.bytes();
  scratch.staging_pixels = real.panel.staging();
  scratch.conv_units = real.tile_units;
  scratch.signs = static_cast<int64_t>(node.by_steps ? node.outputs.size() : node.signs.size());
  scratch.steps = static_cast<int64_t>(node.steps.size());
  scratch.input_pixel_bytes = std::max(input.pixel_bytes, round_up(plan.channels, 64) / 8);
  return scratch;
}

// A channel's values side by side.
AlignedArray<uint8_t> plan_table(const FusedGraph& graph, int index, int64_t channels) {
  if (index == kNone) return {};
  const Constant& constant = graph.constants[static_cast<size_t>(index)];
  AlignedArray<uint8_t> table(constant.bytes);
  for (size_t i = 0; i < constant.bytes; ++i) {
    const size_t channel = i % static_cast<size_t>(channels);
    table[channel * kPixelValues + i / static_cast<size_t>(channels)] = constant.data[i];
  }
  return table;
}

void plan_node(const FusedGraph& graph, const FusedNode& node, Plan* plan) {
  NodePlan result;
  result.node = &node;
  const TensorLayout& output = plan->tensors[static_cast<size_t>(node.output_tensors()[0])];
  const TensorLayout& input = plan->tensors[static_cast<size_t>(node.input)];
  result.height = output.height;
  result.width = output.width;
  result.channels = output.channels;
  plan_epilogue(graph, plan->tensors, &result);
  if (node.op == Op::kBinaryConv) {
    plan_binary_conv(graph, input, *plan->kernels, &result);
    if (!node.by_steps) plan_dots(plan->tensors, *plan->kernels, &result);
  } else if (node.op == Op::kRealConv) {
    plan_real_conv(graph, input, *plan->kernels, &result);
  } else {
    plan_simple(graph, plan->tensors, *plan->kernels, &result);
  }
  if (node.by_steps && !node.steps.empty()) result.kernel += "+steps";
  const auto passes = static_cast<double>(1 + node.steps.size());
  result.cost += 0.1 * passes * static_cast<double>(result.pixels() * result.channels);
  const auto chunk_pixels = result.pixels() * static_cast<int64_t>(result.chunks.size());
  result.pixel_cost = result.cost / static_cast<double>(chunk_pixels);

  plan->scratch.raise_to(scratch_of(result, input, *plan));
  plan->pixels_only |= result.integer && node.op == Op::kRealConv;
  plan->nodes.push_back(std::move(result));
}

}  // namespace

void ScratchSizes::raise_to(const ScratchSizes& other) {
  static_assert(sizeof(ScratchSizes) == 15 * sizeof(int64_t), "a size is missing below");
  for (int64_t ScratchSizes::* size :
       {&ScratchSizes::tile_values, &ScratchSizes::dots, &ScratchSizes::panel_bytes,
        &ScratchSizes::staging_pixels, &ScratchSizes::conv_units, &ScratchSizes::signs,
        &ScratchSizes::runs, &ScratchSizes::band_bytes, &ScratchSizes::input_pixel_bytes,
        &ScratchSizes::gathered_words, &ScratchSizes::triple_xor_bytes, &ScratchSizes::row_sums,
        &ScratchSizes::sign_sums, &ScratchSizes::factors, &ScratchSizes::steps}) {
    this->*size = std::max(this->*size, other.*size);
  }
}

bool has_batch_head(const FusedGraph& graph, const Plan& plan) {
  const Stage& last = plan.stages.back();
  const FusedNode& node = graph.nodes[static_cast<size_t>(last.node)];
  if (last.producer != kNone || node.by_steps || node.op != Op::kRealConv) return false;
  const TensorLayout& input = plan.tensors[static_cast<size_t>(node.input)];
  const bool reals = graph.constants[static_cast<size_t>(node.weight)].dtype != DType::kI16 &&
                     input.kind == Kind::kReal;
  return reals && !node.padding.any() && input.pixels() == 1 && node.groups == 1 &&
         node.shortcut.tensor == kNone && node.signs.empty() &&
         graph.outputs == std::vector<int>{node.real};
}

void plan_layout(const FusedGraph& graph, const KernelTable& kernels, Plan* plan) {
  plan->kernels = &kernels;
  plan->tensors = plan_tensors(graph);
  plan->stages = plan_stages(graph, plan->tensors);
  plan->storage = plan_storage(graph, plan->tensors, true);
  plan->whole_storage = plan_storage(graph, plan->tensors, false);
}

void plan_nodes(const FusedGraph& graph, Plan* plan) {
  for (size_t i = 0; i < graph.tables.size(); ++i) {
    plan->tables.push_back(plan_table(graph, graph.tables[i], plan->tensors[i].channels));
    plan->pixels_only |= !plan->tables.back().empty();
  }
  plan->nodes.reserve(graph.nodes.size());
  for (const FusedNode& node : graph.nodes) plan_node(graph, node, plan);
  for (const Stage& stage : plan->stages) {
    if (stage.producer == kNone) continue;
    plan->scratch.band_bytes = std::max(plan->scratch.band_bytes, band_bytes(*plan, stage));
  }
  plan->batch_head = has_batch_head(graph, *plan);
  if (plan->batch_head) {
    const int64_t step = plan->nodes.back().tile_step;
    plan->scratch.tile_values = std::max(plan->scratch.tile_values, kHeadImages * step);
    plan->scratch.conv_units = std::max(plan->scratch.conv_units, kHeadImages);
  }
}

}  // namespace sbnn
