#include "training/gradients/input_plan.h"

namespace sbnn {
namespace {

constexpr int64_t kGroupBytes = 128 << 10;  // a part of a second-level cache
constexpr int64_t kFewPixels = 4;           // of a row, for which tiles are wider

}  // namespace

InputPlan::InputPlan(const GradientKernels& k, const TrainingConv& c) : kernels(k), conv(c) {
  int64_t right = 0, widest = 0;
  for (int64_t f = 0; f < conv.stride_x; ++f) {
    const Phase phase = column_phase(f);
    if (phase.count == 0) continue;
    left = std::max(left, -phase.start);
    const int64_t end = phase.start + phase.count + std::max<int64_t>(phase.taps, 1) - 1;
    right = std::max(right, end - conv.out_width);
    widest = std::max(widest, phase.count);
  }
  units = (conv.out_channels + kernels.unit_values - 1) / kernels.unit_values;
  vectors = (conv.in_channels + kernels.lanes - 1) / kernels.lanes;
  max_vectors = kernels.vectors * (widest <= kFewPixels ? 2 : 1);
  // Pixels a power of two apart would compete for the same lines of a cache.
  pixel_bytes = 4 * units + (units % 256 == 0 ? 64 : 0);
  row_bytes = pixel_bytes * (left + conv.out_width + right);
  group = std::clamp<int64_t>(kGroupBytes / image_bytes(), 1, std::max<int64_t>(conv.images, 1));
}

int64_t packed_weight_bytes(const GradientKernels& kernels, const TrainingConv& conv) {
  return InputPlan(kernels, conv).weight_bytes();
}

void pack_weights(const GradientKernels& kernels, const TrainingConv& conv, const float* signs,
                  void* packed) {
  const InputPlan plan(kernels, conv);
  const int64_t filter_values = conv.kernel_y * conv.kernel_x * conv.in_channels;
  plan.for_each_run([&](const InputRun& run) {
    const int64_t channel = run.vector * kernels.lanes;
    auto* next = static_cast<uint8_t*>(packed) + run.weights;
    for (int64_t row = 0; row < run.row.taps; ++row) {
      const int64_t y = run.row.kernel_position(row, conv.stride_y);
      for (int64_t filter = 0; filter < conv.out_channels; filter += kernels.unit_values) {
        const bool paired = filter + 1 < conv.out_channels;
        for (int64_t tap = run.tap; tap < run.tap + run.taps; ++tap) {
          const int64_t x = run.column.kernel_position(tap, conv.stride_x);
          const float* const first =
              signs + filter * filter_values + (y * conv.kernel_x + x) * conv.in_channels + channel;
          kernels.pack_channels(first, paired ? first + filter_values : nullptr,
                                conv.in_channels - channel, run.vectors, next);
          next += run.vectors * plan.vector_bytes();
        }
      }
    }
  });
}

}  // namespace sbnn
