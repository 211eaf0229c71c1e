// How much CPU time the control groups (cgroups) of this process allow it, as a container sets it.
#pragma once

#include <string>

namespace sbnn {

// Cores' worth of time, rounded up: the least quota / period of the process's own group and of all
// groups above it, version 2 (cpu.max) and version 1 (cpu.cfs_quota_us). 0 where there is no limit
// or none that can be read. `root` is put before /proc and before where the groups are mounted.
int quota_cores(const std::string& root = "");

}  // namespace sbnn
