// Real convolutions made ready: segments of the input that a window consists of, weights packed.

#include <algorithm>

#include "plan_filters.h"

namespace sbnn {

Status plan_real_conv(const Graph& graph, const TensorLayout& input, const KernelTable& kernels,
                      NodePlan* plan) {
  const Node& node = *plan->node;
  RealConvPlan& real = plan->real;
  const int64_t group_channels = input.channels / node.groups;
  real.taps = node.kernel.y * node.kernel.x * group_channels;
  plan->macs = plan->pixels() * plan->channels * real.taps;
  cut_filters(node.groups, plan);
  // Copied windows stay in L1 beside the tile where they can.
  constexpr int64_t kPatchFloats = 16384;
  plan->tile_pixels = std::min(
      {windows_that_fit(*plan), std::max<int64_t>(8, kPatchFloats / real.taps), plan->pixels()});

  const bool row_runs = node.groups == 1 && (node.dilation.x == 1 || node.kernel.x == 1);
  const int64_t runs = row_runs ? node.kernel.y : node.kernel.y * node.kernel.x;
  for (int64_t run = 0; run < runs; ++run) {
    const int64_t y = row_runs ? run : run / node.kernel.x;
    const int64_t x = row_runs ? 0 : run % node.kernel.x;
    real.offsets.push_back((y * node.dilation.y * input.width + x * node.dilation.x) *
                           input.channels);
  }
  real.segment_length = real.taps / runs;
  real.in_place = node.padding.y == 0 && node.padding.x == 0;
  real.pad_value = AlignedArray<float>(static_cast<size_t>(input.channels));
  if (node.pad_value != kNone) {
    const Constant& pad = graph.constants[static_cast<size_t>(node.pad_value)];
    std::memcpy(real.pad_value.data(), pad.data, pad.bytes);
  }

  const Constant& weight = graph.constants[static_cast<size_t>(node.weight)];
  const double packed = packed_size(*plan, kernels.float_lanes, real.taps);
  SIGNBIT_TRY(check_work_bytes(node.name, packed * sizeof(float)));
  real.weights = AlignedArray<float>(static_cast<size_t>(packed));
  pack_blocks(kernels.float_lanes, kernels.max_tile_vectors, real.taps, plan, real.weights.data(),
              [&](int64_t filter, int64_t step) {
                float value;
                std::memcpy(&value,
                            weight.data + static_cast<size_t>(filter * real.taps + step) * 4, 4);
                return value;
              });
  plan->bytes += static_cast<int64_t>(real.weights.bytes());
  plan->kernel = std::string("conv_f32_") + kernels.isa;
  plan->cost = static_cast<double>(plan->macs) / (4.0 * kernels.float_lanes);
  return {};
}

}  // namespace sbnn
