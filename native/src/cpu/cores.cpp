#include "cpu/cores.h"

#include <pthread.h>
#include <sched.h>

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

// In a forked process none of them runs.
void forget_running() {
  for (std::atomic<int>& count : running) count.store(0);
}
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, forget_running);

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

CpuSet CpuSet::of_this_thread() {
  CpuSet cpus;
#if defined(__linux__)
  const auto set = reinterpret_cast<cpu_set_t*>(cpus.words_.data());
  if (sched_getaffinity(0, sizeof cpus.words_, set) != 0) cpus.words_.fill(0);
#endif
  return cpus;
}

int CpuSet::count() const {
  int count = 0;
  for (const unsigned long word : words_) count += __builtin_popcountl(word);
  return count;
}

unsigned CpuSet::hash() const {
  uint64_t hash = 0;
  for (const unsigned long word : words_) hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return static_cast<unsigned>(hash >> 32);
}

void CpuSet::apply_to([[maybe_unused]] unsigned long thread) const {
#if defined(__linux__)
  pthread_setaffinity_np(thread, sizeof words_, reinterpret_cast<const cpu_set_t*>(words_.data()));
#endif
}

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
