// A network's last layer, fully connected on reals, for a batch of images at once: its weights,
// which may be more than a core's cache holds, are then read once and not for every image.
#pragma once

#include "run/node_runner.h"

namespace sbnn {

// Some chunks of the outputs of `count` images, from the layer's inputs.
void run_head(const Plan& plan, const float* inputs, int64_t count, const Range& chunks,
              float* outputs, Scratch* scratch);

}  // namespace sbnn
