#include <initializer_list>

#include "cpu/cpu_features.h"
#include "cpu/dispatch.h"
#include "format/types.h"
#include "training/gradients/gradient_kernels.h"
#include "training/training.h"

namespace sbnn {
namespace {

constexpr int64_t kMaxValues = int64_t{1} << 40;  // of one tensor, so that no offset overflows

struct Candidate {
  const char* name;
  GradientForm form;
  const GradientKernels* kernels;
  bool usable;
};

// Every name of this build, best first.
std::vector<Candidate> candidates() {
  constexpr GradientForm kFloat = GradientForm::kFloat32;
#if defined(SIGNBIT_X86_KERNELS)
  static const CpuFeatures cpu = detect_cpu_features();
  return {{"avx512bf16", GradientForm::kBfloat16, &kAvx512Bf16Gradients, cpu.avx512bf16},
          {"avx512bf16", kFloat, &kAvx512Gradients, cpu.avx512bf16},
          {"avx512vpopcnt", kFloat, &kAvx512Gradients, cpu.avx512vpopcnt},
          {"avx512bw", kFloat, &kAvx512Gradients, cpu.avx512bw},
          {"avx2", kFloat, &kAvx2Gradients, cpu.avx2_fma},
          {"scalar", kFloat, &kScalarGradients, true}};
#elif defined(SIGNBIT_ARM_KERNELS)
  // Training has no kernels of its own for NEON; the names are the engine's.
  return {{"scalar", kFloat, &kScalarGradients, true},
          {"neon_dot", kFloat, &kScalarGradients, detect_cpu_features().neon_dot},
          {"neon", kFloat, &kScalarGradients, true}};
#else
  return {{"scalar", kFloat, &kScalarGradients, true}};
#endif
}

Status size_error(const char* field, int64_t value, const std::string& wanted) {
  return {Code::kInput, std::string(field) + ": " + std::to_string(value) + ", must be " + wanted};
}

Status check_range(const char* field, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return {};
  return size_error(field, value, std::to_string(least) + " to " + std::to_string(most));
}

// The product of sizes that are not negative, as far as a tensor may have so many values.
Status check_values(const char* tensor, std::initializer_list<int64_t> sizes) {
  int64_t values = 1;
  for (const int64_t size : sizes) {
    if (size > 0 && values > kMaxValues / size) {
      return {Code::kInput, std::string(tensor) + ": more than 2^40 values"};
    }
    values *= size;
  }
  return {};
}

Status check_output(const char* field, int64_t value, int64_t wanted) {
  if (value == wanted && wanted > 0) return {};
  if (wanted <= 0) return {Code::kInput, std::string(field) + ": the kernel exceeds the input"};
  return size_error(field, value, std::to_string(wanted));
}

}  // namespace

Status check_training_conv(const TrainingConv& conv) {
  const struct {
    const char* field;
    int64_t value, least, most;
  } ranges[] = {
      {"images", conv.images, 0, kMaxElements},
      {"height", conv.height, 1, kMaxSize},
      {"width", conv.width, 1, kMaxSize},
      {"in_channels", conv.in_channels, 1, kMaxChannels},
      {"out_channels", conv.out_channels, 1, kMaxChannels},
      {"kernel_y", conv.kernel_y, 1, kMaxSize},
      {"kernel_x", conv.kernel_x, 1, kMaxSize},
      {"stride_y", conv.stride_y, 1, kMaxSize},
      {"stride_x", conv.stride_x, 1, kMaxSize},
      {"padding_y", conv.padding_y, 0, kMaxSize},
      {"padding_x", conv.padding_x, 0, kMaxSize},
  };
  for (const auto& range : ranges) {
    SIGNBIT_TRY(check_range(range.field, range.value, range.least, range.most));
  }
  SIGNBIT_TRY(check_output("out_height", conv.out_height,
                           output_size(conv.height, conv.kernel_y, conv.stride_y, conv.padding_y)));
  SIGNBIT_TRY(check_output("out_width", conv.out_width,
                           output_size(conv.width, conv.kernel_x, conv.stride_x, conv.padding_x)));
  SIGNBIT_TRY(check_values("input", {conv.images, conv.height, conv.width, conv.in_channels}));
  SIGNBIT_TRY(
      check_values("output", {conv.images, conv.out_height, conv.out_width, conv.out_channels}));
  return check_values("weights",
                      {conv.out_channels, conv.kernel_y, conv.kernel_x, conv.in_channels});
}

std::vector<const GradientKernels*> usable_gradients(GradientForm form) {
  std::vector<const GradientKernels*> usable;
  for (const Candidate& candidate : candidates()) {
    if (candidate.form != form || !candidate.usable) continue;
    if (usable.empty() || usable.back() != candidate.kernels) usable.push_back(candidate.kernels);
  }
  return usable;
}

Status choose_gradients(const std::string& isa, GradientForm form,
                        const GradientKernels** kernels) {
  const AskedIsa asked = asked_isa(isa);
  std::string names;
  for (const Candidate& candidate : candidates()) {
    if (candidate.form != form || !candidate.usable) continue;
    if (asked.name.empty() || asked.name == candidate.name) {
      *kernels = candidate.kernels;
      return {};
    }
    names += names.empty() ? "" : ", ";
    names += candidate.name;
  }
  const std::string what =
      form == GradientForm::kFloat32 ? "float32 gradients" : "bfloat16 gradients";
  if (names.empty()) return {Code::kIsa, what + ": this CPU or its operating system lacks them"};
  return {Code::kIsa, std::string(asked.where) + ": no " + what + " with '" + asked.name +
                          "'; usable here: " + names};
}

const char* gradient_isa(const GradientKernels& kernels) { return kernels.isa; }

}  // namespace sbnn
