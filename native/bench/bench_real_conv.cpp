// Speed of real convolutions as the engine runs them, on one core: bench_real_conv [isa]. Rows made
// ready, sums, scale and shift, reals stored; milliseconds and G multiply-adds per second.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "cpu/dispatch.h"
#include "run/executor.h"

namespace {

struct Layer {
  const char* name;
  int64_t size, channels, filters, kernel, stride, padding;
  sbnn::Kind input;
  sbnn::DType weights;
};

constexpr Layer kLayers[] = {
    {"stem 7x7/2, int16", 224, 3, 64, 7, 2, 3, sbnn::Kind::kImage, sbnn::DType::kI16},
    {"stem 7x7/2", 224, 3, 64, 7, 2, 3, sbnn::Kind::kImage, sbnn::DType::kF32},
    {"stem 3x3, int16", 32, 3, 64, 3, 1, 1, sbnn::Kind::kImage, sbnn::DType::kI16},
    {"stem 3x3", 32, 3, 64, 3, 1, 1, sbnn::Kind::kImage, sbnn::DType::kF32},
    {"1x1 64>128", 28, 64, 128, 1, 1, 0, sbnn::Kind::kReal, sbnn::DType::kF32},
    {"1x1 128>256", 14, 128, 256, 1, 1, 0, sbnn::Kind::kReal, sbnn::DType::kF32},
    {"1x1 256>512", 7, 256, 512, 1, 1, 0, sbnn::Kind::kReal, sbnn::DType::kF32},
    {"1x1/2 64>128", 56, 64, 128, 1, 2, 0, sbnn::Kind::kReal, sbnn::DType::kF32},
    {"classifier 512>1000", 1, 512, 1000, 1, 1, 0, sbnn::Kind::kReal, sbnn::DType::kF32},
};

// The graph of one layer; its constants' bytes are zeros, which take as long as others.
class LayerGraph {
 public:
  explicit LayerGraph(const Layer& layer)
      : zeros_(
            static_cast<size_t>(layer.filters * layer.kernel * layer.kernel * layer.channels * 4)) {
    graph.nodes.resize(2);
    sbnn::FusedNode& pixels = graph.nodes[0];
    pixels.op = sbnn::Op::kIdentity;
    pixels.input = 0;
    pixels.real = 1;
    sbnn::FusedNode& node = graph.nodes[1];
    node.op = sbnn::Op::kRealConv;
    node.input = layer.input == sbnn::Kind::kImage ? 0 : 1;
    node.kernel = {layer.kernel, layer.kernel};
    node.stride = {layer.stride, layer.stride};
    node.padding = {layer.padding, layer.padding, layer.padding, layer.padding};
    node.real = 2;
    const int64_t size = node.row_axis(layer.size).outputs();
    graph.tensors = {{sbnn::Kind::kImage, layer.size, layer.size, layer.channels},
                     {sbnn::Kind::kReal, layer.size, layer.size, layer.channels},
                     {sbnn::Kind::kReal, size, size, layer.filters}};
    graph.inputs = 1;
    graph.outputs = {2};
    node.weight =
        constant(layer.weights, {layer.filters, layer.kernel, layer.kernel, layer.channels});
    node.scale = constant(sbnn::DType::kF32, {layer.filters});
    node.shift = node.scale;
  }

  sbnn::FusedGraph graph;

 private:
  int constant(sbnn::DType dtype, const std::vector<int64_t>& shape) {
    size_t bytes = dtype == sbnn::DType::kI16 ? 2 : 4;
    for (const int64_t size : shape) bytes *= static_cast<size_t>(size);
    graph.constants.push_back({"", dtype, shape, zeros_.data(), bytes});
    return static_cast<int>(graph.constants.size()) - 1;
  }

  sbnn::AlignedArray<uint8_t> zeros_;
};

void time_layer(const Layer& layer, const sbnn::KernelTable& kernels) {
  const LayerGraph built(layer);
  sbnn::Plan plan;
  sbnn::make_plan(built.graph, kernels, &plan);
  sbnn::Scratch scratch(plan.scratch);
  sbnn::AlignedArray<uint8_t> arena(static_cast<size_t>(plan.storage.bytes));
  const sbnn::AlignedArray<uint8_t> image(
      static_cast<size_t>(layer.size * layer.size * layer.channels));
  sbnn::Frame frame;
  frame.arena = arena.data();
  frame.storage = &plan.storage;
  const sbnn::InputArray input{image.data(), false};
  frame.inputs = &input;
  const sbnn::NodePlan& node = plan.nodes[1];
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(150);
  double best = 1e9;
  for (int run = 0; run < 3 || std::chrono::steady_clock::now() < deadline; ++run) {
    const auto start = std::chrono::steady_clock::now();
    sbnn::run_node(plan, node, frame, sbnn::Split(), 0, &scratch);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  std::printf("%-14s %-20s %8.4f ms %7.1f\n", kernels.isa, layer.name, best,
              static_cast<double>(node.macs) / best / 1e6);
}

}  // namespace

int main(int count, char** arguments) {
  for (const sbnn::KernelTable* kernels : sbnn::usable_kernels()) {
    if (count > 1 && std::string(arguments[1]) != kernels->isa) continue;
    for (const Layer& layer : kLayers) time_layer(layer, *kernels);
  }
  return 0;
}
