// Binds the calling thread to the CPU that it runs on.
#pragma once

#if defined(_WIN32)
#include <windows.h>
#else
#include <sched.h>
#endif

#include "check.h"

namespace test {

inline void pin_this_thread() {
#if defined(_WIN32)
  const DWORD_PTR mask = DWORD_PTR{1} << GetCurrentProcessorNumber();
  CHECK(SetThreadAffinityMask(GetCurrentThread(), mask) != 0);
#else
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(sched_getcpu(), &set);
  CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
#endif
}

}  // namespace test
