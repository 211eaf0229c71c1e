// The cores that this process may use, and how the calls of all its engines share them.
#pragma once

#include "cpu/system/cpu_set.h"

namespace sbnn {

// Cores that the calling thread may use now: its CPUs, but no more than what the process's control
// groups allowed it when it first asked; at least 1.
int available_cores(const CpuSet& cpus = CpuSet::of_this_thread());

// Cores that one call takes while it runs, its caller's own among them. Calls whose threads have
// the same CPUs share them: so many as run already are not taken again, so that two engines at once
// do not spin against each other. Calls that differ in their CPUs, as those of threads that are
// pinned apart, do not count each other.
class CoreShare {
 public:
  explicit CoreShare(int most);
  ~CoreShare();
  CoreShare(const CoreShare&) = delete;
  CoreShare& operator=(const CoreShare&) = delete;

  int cores() const { return cores_; }
  const CpuSet& cpus() const { return cpus_; }  // of a share of several cores
  void keep(int cores);                         // gives the others back

 private:
  CpuSet cpus_;
  unsigned group_;
  int cores_ = 1;
};

}  // namespace sbnn
