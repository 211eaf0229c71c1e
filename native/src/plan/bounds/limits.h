// The refusal of a graph that asks for too much, before anything is allocated for its plan.
#pragma once

#include "plan/bounds/estimate.h"

namespace sbnn {

// What one image of a graph may ask for; see docs/format.md, "Absurd files".
struct Limits {
  double bytes = 0;       // constants, tensors and one thread's scratch together
  double constants = 0;   // bytes of them, which loading fills
  double operations = 0;  // of one image
  // Whether the caller asked for another input size, which then is the reason.
  bool resized = false;
};

// The limits for a file of this many bytes. As loading fills constants, it takes as long as they
// need: so a small file may not ask for many, whatever its nodes share.
Limits limits_of(int64_t max_bytes, int64_t max_operations, size_t file_bytes, bool resized);

// All nodes together. Memory is the constants' bytes, the arena's and one thread's scratch.
struct Estimate {
  double constants = 0, arena = 0, scratch = 0, operations = 0;

  double bytes() const { return constants + arena + scratch; }
};

// Fills the estimate of a graph whose tensors, stages and storage are planned, or refuses it with
// the node at which it passes a limit.
Status check_limits(const FusedGraph& graph, const Plan& plan, const Limits& limits,
                    Estimate* estimate);

// A figure, what it may be, and how to raise that.
std::string exceeds(const std::string& what, double bytes, double limit);

}  // namespace sbnn
