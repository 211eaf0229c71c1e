// How a pool and the node before it run in turns.
#pragma once

#include "run/node_runner.h"

namespace sbnn {

// Rows of the pool's output.
void run_bands(const Plan& plan, const Stage& stage, const Frame& frame, const Range& rows,
               Scratch* scratch);

}  // namespace sbnn
