// What the CPU has and the OS saves: both are asked, as a CPU whose wide registers the OS does not
// save must not use them.
#pragma once

namespace sbnn {

struct CpuFeatures {
  bool avx2_fma = false;
  bool avx512bw = false;       // AVX-512 F, BW, DQ and VL
  bool avx512vpopcnt = false;  // the same, VNNI and VPOPCNTDQ
  bool avx512bf16 = false;     // avx512bw and BF16
  bool neon_dot = false;       // Arm's dot product of bytes; NEON itself every 64-bit one has
};

CpuFeatures detect_cpu_features();

}  // namespace sbnn
