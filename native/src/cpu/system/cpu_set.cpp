#include "cpu/system/cpu_set.h"

#if defined(_WIN32)
#include <pthread.h>
#include <windows.h>
#elif defined(__APPLE__)
#include <pthread.h>
#include <unistd.h>
#elif defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace sbnn {

int CpuSet::count() const {
  int count = 0;
  for (const uint64_t word : words_) count += __builtin_popcountll(word);
  return count;
}

unsigned CpuSet::hash() const {
  uint64_t hash = 0;
  for (const uint64_t word : words_) hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return static_cast<unsigned>(hash >> 32);
}

#if defined(_WIN32)

CpuSet CpuSet::of_this_thread() {
  CpuSet cpus;
  GROUP_AFFINITY group{};
  if (GetThreadGroupAffinity(GetCurrentThread(), &group) && group.Group < cpus.words_.size()) {
    cpus.words_[group.Group] = group.Mask;
  }
  return cpus;
}

void CpuSet::apply_to(std::thread* thread) const {
  for (size_t i = 0; i < words_.size(); ++i) {
    GROUP_AFFINITY group{};
    group.Mask = words_[i];
    group.Group = static_cast<WORD>(i);
    if (group.Mask == 0) continue;
    SetThreadGroupAffinity(pthread_gethandle(thread->native_handle()), &group, nullptr);
  }
}

int current_cpu() {
  constexpr int kGroup = 64;  // CPUs, at most
  PROCESSOR_NUMBER number{};
  GetCurrentProcessorNumberEx(&number);
  return number.Group * kGroup + number.Number;
}

#elif defined(__APPLE__)

CpuSet CpuSet::of_this_thread() {
  CpuSet cpus;
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  for (size_t i = 0; static_cast<long>(i) < count && i / 64 < cpus.words_.size(); ++i) {
    cpus.words_[i / 64] |= uint64_t{1} << i % 64;
  }
  return cpus;
}

void CpuSet::apply_to(std::thread*) const {}

int current_cpu() {
  size_t number = 0;
  return pthread_cpu_number_np(&number) == 0 ? static_cast<int>(number) : 0;
}

#elif defined(__linux__)

CpuSet CpuSet::of_this_thread() {
  CpuSet cpus;
  const auto set = reinterpret_cast<cpu_set_t*>(cpus.words_.data());
  if (sched_getaffinity(0, sizeof cpus.words_, set) != 0) cpus.words_.fill(0);
  return cpus;
}

void CpuSet::apply_to(std::thread* thread) const {
  pthread_setaffinity_np(thread->native_handle(), sizeof words_,
                         reinterpret_cast<const cpu_set_t*>(words_.data()));
}

int current_cpu() { return sched_getcpu(); }

#else

CpuSet CpuSet::of_this_thread() { return {}; }

void CpuSet::apply_to(std::thread*) const {}

int current_cpu() { return 0; }

#endif

}  // namespace sbnn
