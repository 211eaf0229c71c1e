// How signs and the binary convolution that alone reads them run together.
#pragma once

#include "run/node_runner.h"

namespace sbnn {

// Rows of a binary convolution's output, after the producer's rows that their windows reach.
void run_signs(const Plan& plan, const Stage& stage, const Frame& whole, const Range& rows,
               Scratch* scratch);

}  // namespace sbnn
