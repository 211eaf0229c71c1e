#include "cpu/cpu_features.h"

#include <cstdint>

#if defined(SIGNBIT_X86_KERNELS)
#include <cpuid.h>
#elif defined(SIGNBIT_ARM_KERNELS)
#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#else
#include <sys/auxv.h>
#endif
#endif

namespace sbnn {

#if defined(SIGNBIT_X86_KERNELS)
namespace {

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

bool has_bit(uint32_t value, int bit) { return (value >> bit & 1) != 0; }

// Register states that the OS saves (XCR0); to be read only where OSXSAVE says so.
uint32_t saved_states() {
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
  const Registers basic = cpuid(1, 0);
  const bool osxsave = has_bit(basic.ecx, 27);
  if (!osxsave || !has_bit(basic.ecx, 28)) return features;  // no AVX
  const uint32_t saved = saved_states();
  const Registers extended = cpuid(7, 0);
  const bool ymm = (saved & 0x06) == 0x06;  // SSE, AVX
  const bool zmm = (saved & 0xe6) == 0xe6;  // and opmask, both halves of the ZMM registers
  features.avx2_fma = ymm && has_bit(basic.ecx, 12) && has_bit(extended.ebx, 5);
  features.avx512bw = zmm && features.avx2_fma && has_bit(extended.ebx, 16) &&
                      has_bit(extended.ebx, 17) && has_bit(extended.ebx, 30) &&
                      has_bit(extended.ebx, 31);
  features.avx512vpopcnt =
      features.avx512bw && has_bit(extended.ecx, 11) && has_bit(extended.ecx, 14);
  features.avx512bf16 = features.avx512bw && extended.eax >= 1 && has_bit(cpuid(7, 1).eax, 5);
  return features;
}

#elif defined(SIGNBIT_ARM_KERNELS)
namespace {

bool has_dot_product() {
#if defined(__APPLE__)
  int has = 0;
  size_t bytes = sizeof has;
  return sysctlbyname("hw.optional.arm.FEAT_DotProd", &has, &bytes, nullptr, 0) == 0 && has != 0;
#elif defined(_WIN32)
  constexpr DWORD kDotProduct = 43;  // PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE
  return IsProcessorFeaturePresent(kDotProduct) != 0;
#else
  constexpr unsigned long kDotProduct = 1ul << 20;  // HWCAP_ASIMDDP
  return (getauxval(AT_HWCAP) & kDotProduct) != 0;
#endif
}

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures features;
  features.neon_dot = has_dot_product();
  return features;
}

#else

CpuFeatures detect_cpu_features() { return {}; }

#endif

}  // namespace sbnn
