#include "plan/bounds/estimate.h"

#include <algorithm>

#include "format/table.h"
#include "format/taps.h"
#include "plan/words.h"

namespace sbnn {
namespace {

constexpr double kFloat = sizeof(float), kPlace = sizeof(int64_t);

template <typename Size>
void raise_to(Size* size, int64_t least) {
  *size = std::max(*size, least);
}

double constant_bytes(const FusedGraph& graph, int index) {
  if (index == kNone) return 0;
  return array_bytes(static_cast<double>(graph.constants[static_cast<size_t>(index)].bytes));
}

// A threshold, which is there even where the file has none, and a bit of flip per channel.
double sign_bytes(int64_t channels) {
  const auto words = static_cast<double>((channels + 63) / 64);
  return array_bytes(kFloat * static_cast<double>(channels)) + array_bytes(8 * words);
}

double epilogue_bytes(const FusedGraph& graph, const FusedNode& node, const TensorLayout& output) {
  double bytes = 0;
  for (const int constant :
       {node.scale, node.shift, node.slope, node.positive_slope, node.offset}) {
    bytes += constant_bytes(graph, constant);
  }
  return bytes + static_cast<double>(node.signs.size()) * sign_bytes(output.channels);
}

double chain_bytes(const FusedGraph& graph, const FusedNode& node, const TensorLayout& output) {
  double bytes = 0;
  for (const ChainStep& chained : node.steps) {
    const Keys& keys = chained.step.keys;
    for_constants(row_of(chained.step.op),
                  [&](Key key) { bytes += constant_bytes(graph, keys.constant(key)); });
    const bool by_border = !keys.at(Key::kRowTaps).taps.empty();
    if (by_border) bytes += kPlace * static_cast<double>(output.height + output.width);
    bytes += sizeof(StepPlan);
  }
  for (const ChainOutput& chained : node.outputs) {
    if (chained.output.kind == Kind::kBits) bytes += sign_bytes(output.channels);
  }
  return bytes;
}

double own_constant_bytes(const FusedGraph& graph, const FusedNode& node) {
  double bytes = 0;
  for_constants(row_of(node.op), [&](Key key) {
    bytes += constant_bytes(graph, node.keys.constant(key)) + sizeof(KeyConstant);
  });
  return bytes;
}

void estimate_simple(const FusedGraph& graph, const FusedNode& node, const Plan& plan,
                     const TensorLayout& output, NodeEstimate* estimate, ScratchSizes* scratch) {
  const TensorLayout& input = plan.tensors[static_cast<size_t>(node.input)];
  const SimpleTile tile = simple_tile(node, input, output);
  *scratch = simple_scratch(node, plan, tile.pixels);
  if (!tile.in_place) scratch->tile_values = tile.pixels * tile.step;
  scratch->runs = tile.pixels / output.width + 2;
  estimate->constants += sizeof(Chunk) + own_constant_bytes(graph, node);
  if (multiplies_signs(node, plan.tensors)) {
    estimate->constants += array_bytes(kFloat * kBlockFilters) +
                           kPlace * static_cast<double>(words_of(input.channels));
  }
  estimate->operations += static_cast<double>(output.pixels()) *
                          static_cast<double>(output.channels) *
                          static_cast<double>(reads_per_value(node, input));
}

}  // namespace

double scratch_bytes(const ScratchSizes& sizes) {
  const auto bytes = [](int64_t count, size_t each) {
    return static_cast<double>(count) * static_cast<double>(each);
  };
  return bytes(sizes.tile_values + sizes.dots + sizes.row_sums + sizes.sign_sums + sizes.factors +
                   sizes.gathered_words,
               sizeof(float)) +
         bytes(sizes.panel_bytes + sizes.band_bytes + sizes.input_pixel_bytes +
                   sizes.triple_xor_bytes,
               1) +
         bytes(sizes.staging_pixels, sizeof(int16_t)) + bytes(sizes.conv_units, sizeof(void*)) +
         bytes(sizes.signs, sizeof(SignArgs)) + bytes(sizes.runs, sizeof(EpilogueRun)) +
         bytes(sizes.signs, sizeof(StoreArgs)) + bytes(sizes.steps, sizeof(StepArgs)) +
         bytes((sizes.signs + sizes.steps) * sizes.runs, sizeof(void*)) +
         bytes(6 * kTileWindows, sizeof(void*)) + bytes(11, kSlackBytes);
}

NodeEstimate estimate_node(const FusedGraph& graph, const Plan& plan, size_t index,
                           ScratchSizes* scratch) {
  const FusedNode& node = graph.nodes[index];
  const TensorLayout& input = plan.tensors[static_cast<size_t>(node.input)];
  const std::vector<int> outputs = node.output_tensors();
  NodeEstimate estimate;
  if (outputs.empty()) return estimate;
  const TensorLayout& output = plan.tensors[static_cast<size_t>(outputs[0])];
  for (const int tensor : outputs) {
    if (plan.storage.offsets[static_cast<size_t>(tensor)] == kNone) continue;
    estimate.tensors += static_cast<double>(plan.tensors[static_cast<size_t>(tensor)].bytes);
  }
  estimate.constants +=
      sizeof(NodePlan) + epilogue_bytes(graph, node, output) + chain_bytes(graph, node, output);
  ScratchSizes own;
  const ConvShape shape{output.height, output.width, output.channels};
  if (node.op == Op::kBinaryConv) {
    estimate_binary_conv(node, input, shape, *plan.kernels, &estimate, &own);
  } else if (node.op == Op::kRealConv) {
    estimate_real_conv(graph, node, input, shape, *plan.kernels, &estimate, &own);
  } else {
    estimate_simple(graph, node, plan, output, &estimate, &own);
  }
  const bool is_last = static_cast<size_t>(plan.stages.back().node) == index;
  if (is_last && has_batch_head(graph, plan)) {
    raise_to(&own.tile_values, kHeadImages * kBlockFilters);
    raise_to(&own.conv_units, kHeadImages);
  }
  own.steps = static_cast<int64_t>(node.steps.size());
  own.input_pixel_bytes = std::max(input.pixel_bytes, round_up(output.channels, 64) / 8);
  own.signs = static_cast<int64_t>(node.by_steps ? outputs.size() : node.signs.size());
  scratch->raise_to(own);
  // Each step, and each output, is one pass over all values.
  estimate.operations += static_cast<double>(output.pixels()) *
                         static_cast<double>(output.channels) *
                         static_cast<double>(1 + node.steps.size() + outputs.size());
  return estimate;
}

}  // namespace sbnn
