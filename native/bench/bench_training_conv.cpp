// Speed of the gradients of convolutions of signs on one core: bench_training_conv [isa]. Beside
// each, its share of what the core can do in registers alone with float32 multiply-adds.
//
// G multiply-adds per second, every tap of every output counted, those outside the image too.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>

#include "cpu/core_limit.h"
#include "cpu/dispatch.h"
#include "cpu/memory.h"
#include "format/types.h"
#include "training/training.h"

namespace {

struct Layer {
  int64_t size, in_channels, out_channels, kernel, stride, padding;
};

constexpr Layer kLayers[] = {
    {32, 16, 16, 3, 1, 1},   {32, 16, 32, 3, 2, 1},   {16, 32, 32, 3, 1, 1},
    {8, 64, 64, 3, 1, 1},    {32, 64, 64, 3, 1, 1},   {16, 128, 128, 3, 1, 1},
    {8, 256, 256, 3, 1, 1},  {4, 512, 512, 3, 1, 1},  {32, 128, 128, 3, 1, 1},
    {16, 128, 256, 3, 1, 1}, {16, 256, 256, 3, 1, 1}, {8, 256, 512, 3, 1, 1},
    {8, 512, 512, 3, 1, 1},  {16, 64, 128, 1, 2, 0},
};

// Enough images for a fraction of a second at most.
sbnn::TrainingConv conv_of(const Layer& layer) {
  sbnn::TrainingConv conv{};
  conv.height = conv.width = layer.size;
  conv.in_channels = layer.in_channels;
  conv.out_channels = layer.out_channels;
  conv.kernel_y = conv.kernel_x = layer.kernel;
  conv.stride_y = conv.stride_x = layer.stride;
  conv.padding_y = conv.padding_x = layer.padding;
  conv.out_height = conv.out_width =
      sbnn::output_size(layer.size, layer.kernel, layer.stride, layer.padding);
  const int64_t macs = conv.out_height * conv.out_width * layer.kernel * layer.kernel *
                       layer.in_channels * layer.out_channels;
  conv.images = std::clamp<int64_t>(1'000'000'000 / macs, 8, 64);
  return conv;
}

// The processor's time, so that what else the machine does counts for little.
template <typename Run>
double best_milliseconds(Run run) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(120);
  double best = 1e9;
  for (int i = 0; i < 3 || std::chrono::steady_clock::now() < deadline; ++i) {
    const std::clock_t start = std::clock();
    run();
    const auto took = static_cast<double>(std::clock() - start);
    best = std::min(best, 1000 * took / CLOCKS_PER_SEC);
  }
  return best;
}

template <typename T>
sbnn::AlignedArray<T> array(int64_t count) {
  return sbnn::AlignedArray<T>(static_cast<size_t>(count));
}

void time_layer(const Layer& layer, const sbnn::GradientKernels& kernels, double limit) {
  const sbnn::TrainingConv conv = conv_of(layer);
  const int64_t pixels = conv.images * conv.height * conv.width;
  const int64_t outputs = conv.images * conv.out_height * conv.out_width * conv.out_channels;
  const int64_t taps = conv.kernel_y * conv.kernel_x * conv.in_channels;
  auto grad = array<float>(outputs);
  for (size_t i = 0; i < grad.size(); ++i) grad[i] = static_cast<float>(i % 251) / 251.0f - 0.5f;
  auto signs = array<float>(conv.out_channels * taps);
  for (size_t i = 0; i < signs.size(); ++i) signs[i] = i * 2654435761u >> 16 & 1 ? 1.0f : -1.0f;
  auto bits = array<uint8_t>(pixels * std::max<int64_t>(8, conv.in_channels / 8));
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint8_t>(i * 2654435761u >> 13);
  auto input = array<float>(pixels * conv.in_channels);
  auto weights = array<float>(conv.out_channels * taps);
  auto packed = array<uint8_t>(sbnn::packed_weight_bytes(kernels, conv));
  auto work = array<uint8_t>(std::max(sbnn::input_gradient_work_bytes(kernels, conv),
                                      sbnn::weight_gradient_work_bytes(kernels, conv)));
  const double pack =
      best_milliseconds([&] { sbnn::pack_weights(kernels, conv, signs.data(), packed.data()); });
  const sbnn::ImageRange all{0, conv.images};
  const double to_input = best_milliseconds([&] {
    sbnn::input_gradient(kernels, conv, all, grad.data(), packed.data(), input.data(), work.data());
  });
  const double to_weights = best_milliseconds([&] {
    sbnn::weight_gradient(kernels, conv, all, grad.data(), bits.data(), weights.data(),
                          work.data());
  });
  const double macs = static_cast<double>(outputs * taps) / 1e6;
  std::printf(
      "%-10s %3d>%3d@%2d k%d s%d  input %6.1f (%3.0f %%)  weights %6.1f (%3.0f %%)  pack %6.3f "
      "ms\n",
      sbnn::gradient_isa(kernels), static_cast<int>(layer.in_channels),
      static_cast<int>(layer.out_channels), static_cast<int>(layer.size),
      static_cast<int>(layer.kernel), static_cast<int>(layer.stride), macs / to_input,
      100 * macs / to_input / limit, macs / to_weights, 100 * macs / to_weights / limit, pack);
}

}  // namespace

int main(int count, char** arguments) {
  for (const sbnn::GradientForm form :
       {sbnn::GradientForm::kFloat32, sbnn::GradientForm::kBfloat16}) {
    for (const sbnn::GradientKernels* kernels : sbnn::usable_gradients(form)) {
      const std::string isa = sbnn::gradient_isa(*kernels);
      if (count > 1 ? isa != arguments[1] : isa == "scalar") continue;
      // The engine's table of the same width; bfloat16 is compared with float32, too.
      const sbnn::KernelTable* engine = nullptr;
      if (!sbnn::choose_kernels(isa == "avx512bf16" ? "avx512bw" : isa, &engine).ok()) continue;
      const double limit = sbnn::core_limit(*engine, "conv_f32_");
      std::printf("%s: float32 limit %.1f\n", isa.c_str(), limit);
      for (const Layer& layer : kLayers) time_layer(layer, *kernels, limit);
    }
  }
  return 0;
}
