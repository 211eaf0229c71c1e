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
  static const CpuFeatures cpu = detect_cpu_features();
  return {
#if defined(SIGNBIT_X86_KERNELS)
      {&kAvx512vpopcntKernels, cpu.avx512vpopcnt},
      {&kAvx512bwKernels, cpu.avx512bw},
      {&kAvx2Kernels, cpu.avx2_fma},
#endif
      {&kScalarKernels, true},
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

Status choose_kernels(const std::string& isa, const KernelTable** kernels) {
  std::string wanted = isa;
  std::string asked = "isa";
  if (wanted.empty()) {
    const char* variable = std::getenv("SIGNBIT_ISA");
    if (variable != nullptr) wanted = variable;
    asked = "SIGNBIT_ISA";
  }
  std::string names;
  bool known = false;
  for (const Candidate& candidate : candidates()) {
    known = known || wanted == candidate.kernels->isa;
    if (!candidate.usable) continue;
    if (wanted.empty() || wanted == candidate.kernels->isa) {
      *kernels = candidate.kernels;
      return {};
    }
    names += names.empty() ? "" : ", ";
    names += candidate.kernels->isa;
  }
  return {Code::kIsa,
          asked + ": " +
              (known ? "this CPU or its operating system lacks '" : "unknown instruction set '") +
              wanted + "'; usable here: " + names};
}

}  // namespace sbnn
