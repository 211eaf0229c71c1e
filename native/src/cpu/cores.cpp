#include "cpu/cores.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include <algorithm>
#include <atomic>
#include <climits>
#include <cstdint>

#include "cpu/cpu_quota.h"

namespace sbnn {
namespace {

// Threads of calls that run, by the hash of their CPUs: where two sets meet in one, calls only take
// fewer threads.
constexpr unsigned kGroups = 64;
std::atomic<int> running[kGroups];

#if !defined(_WIN32)
// In a forked process none of them runs.
void forget_running() {
  for (std::atomic<int>& count : running) count.store(0);
}
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, forget_running);
#endif

// A call on one thread does not ask the system each time: its thread's set as it was last known.
constexpr unsigned kUnknown = UINT_MAX;
thread_local unsigned group_of_thread = kUnknown;

// Without a lock, which a fork might inherit: threads that read at once read the same.
int process_quota() {
#if defined(__linux__)
  static std::atomic<int> known{-1};
  int quota = known.load();
  if (quota < 0) {
    quota = quota_cores();
    known.store(quota);
  }
  return quota;
#else
  return 0;
#endif
}

}  // namespace

int available_cores(const CpuSet& cpus) {
  const int count = std::max(cpus.count(), 1);
  const int quota = process_quota();
  return quota > 0 ? std::min(count, quota) : count;
}

CoreShare::CoreShare(int most) {
  if (most > 1 || group_of_thread == kUnknown) {
    cpus_ = CpuSet::of_this_thread();
    group_of_thread = cpus_.hash() % kGroups;
  }
  group_ = group_of_thread;
  std::atomic<int>& count = running[group_];
  if (most <= 1) {
    count.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const int cores = available_cores(cpus_);
  int taken = count.load(std::memory_order_relaxed);
  do {
    cores_ = std::clamp(cores - taken, 1, most);
  } while (!count.compare_exchange_weak(taken, taken + cores_, std::memory_order_relaxed));
}

CoreShare::~CoreShare() { running[group_].fetch_sub(cores_, std::memory_order_relaxed); }

void CoreShare::keep(int cores) {
  running[group_].fetch_sub(cores_ - cores, std::memory_order_relaxed);
  cores_ = cores;
}

}  // namespace sbnn
