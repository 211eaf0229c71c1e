// How the nodes of a step run in turns.
#pragma once

#include "node_runner.h"

namespace sbnn {

// Rows of a pool's output, and for each band of them the producer's rows that their windows reach.
// Rows that the band before has made are moved to the front and not made again.
void run_bands(const Plan& plan, const Step& step, const Frame& whole, const Range& rows,
               Scratch* scratch);

}  // namespace sbnn
