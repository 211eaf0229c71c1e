// One loop over threads for training. PyTorch's own OpenMP threads run it where there are any: a
// second team would fight for the same cores with the first, whose threads spin for a while after
// each of PyTorch's operations.
#pragma once

#include <cstdint>

#include "training/training.h"

namespace sbnn {

// Calls run(range, part) for `parts` ranges of nearly equal size that cover [0, count); a part is
// one thread's, so what is added up within parts depends on `parts` alone.
using RangeTask = void (*)(void* context, ImageRange range, int part);
void parallel_ranges(int64_t count, int parts, RangeTask task, void* context);

template <typename Run>
void parallel_ranges(int64_t count, int parts, Run run) {
  parallel_ranges(
      count, parts,
      [](void* context, ImageRange range, int part) { (*static_cast<Run*>(context))(range, part); },
      &run);
}

}  // namespace sbnn
