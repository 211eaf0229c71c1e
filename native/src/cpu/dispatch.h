// Which kernels run: the best the machine can, or the one that is asked for by name.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "signbit/status.h"

namespace sbnn {

// The tables this machine can run, best first; the scalar one is always last.
std::vector<const KernelTable*> usable_kernels();

// An instruction set by name; an empty name: the best.
struct AskedIsa {
  std::string name;
  const char* where;  // "isa" or "SIGNBIT_ISA", for messages
};

// `isa`; where that is empty, the environment variable SIGNBIT_ISA.
AskedIsa asked_isa(const std::string& isa);

// `isa` names a table; empty: the environment variable SIGNBIT_ISA; that empty or unset: the best.
// Code::kIsa for a name that is unknown or that the CPU or the OS cannot run.
Status choose_kernels(const std::string& isa, const KernelTable** kernels);

}  // namespace sbnn
