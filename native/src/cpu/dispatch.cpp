#include "cpu/dispatch.h"

#include <cstdlib>

#include "cpu/cpu_features.h"

namespace sbnn {
namespace {

struct Candidate {
  const KernelTable* kernels;
  bool usable;
};

// Every table of this build, best first.
std::vector<Candidate> candidates() {
  [[maybe_unused]] static const CpuFeatures cpu = detect_cpu_features();
  return {
#if defined(SIGNBIT_X86_KERNELS)
      {&kAvx512vpopcntKernels, cpu.avx512vpopcnt},
      {&kAvx512bwKernels, cpu.avx512bw},
      {&kAvx2Kernels, cpu.avx2_fma},
#elif defined(SIGNBIT_ARM_KERNELS)
      {&kNeonDotKernels, cpu.neon_dot},
      {&kNeonKernels, true},
#endif
#if defined(SIGNBIT_WASM_KERNELS)
      {&kWasmKernels, true},  // alone: a browser loads no code that it does not run
#else
      {&kScalarKernels, true},
#endif
  };
}

}  // namespace

std::vector<const KernelTable*> usable_kernels() {
  std::vector<const KernelTable*> usable;
  for (const Candidate& candidate : candidates()) {
    if (candidate.usable) usable.push_back(candidate.kernels);
  }
  return usable;
}

AskedIsa asked_isa(const std::string& isa) {
  if (!isa.empty()) return {isa, "isa"};
  const char* variable = std::getenv("SIGNBIT_ISA");
  return {variable != nullptr ? variable : "", "SIGNBIT_ISA"};
}

Status choose_kernels(const std::string& isa, const KernelTable** kernels) {
  const AskedIsa asked = asked_isa(isa);
  std::string names;
  bool known = false;
  for (const Candidate& candidate : candidates()) {
    known = known || asked.name == candidate.kernels->isa;
    if (!candidate.usable) continue;
    if (asked.name.empty() || asked.name == candidate.kernels->isa) {
      *kernels = candidate.kernels;
      return {};
    }
    names += names.empty() ? "" : ", ";
    names += candidate.kernels->isa;
  }
  return {Code::kIsa,
          std::string(asked.where) + ": " +
              (known ? "this CPU or its operating system lacks '" : "unknown instruction set '") +
              asked.name + "'; usable here: " + names};
}

}  // namespace sbnn
