// What it costs to share work on this machine, so that a plan can say where more threads pay.
#pragma once

#include "kernels/kernels.h"
#include "threads/thread_pool.h"

namespace sbnn {

struct ThreadCosts {
  int threads = 1;
  double barrier = 0;  // ns to hand out a loop and to wait for its end
  double speed = 1;    // of a thread beside the others, of one alone: less where they share a core
  double move = 0;     // ns to read a byte that another thread wrote, beyond reading one's own
};

// Of so many threads, at least 2, all of them of a pool that the caller has acquired. Measured once
// per process and number of threads, within a few milliseconds. False where the threads got no
// core each, as on a machine that is busy with other things: that says nothing about the machine.
bool measure_threads(const KernelTable& kernels, ThreadPool* pool, int threads, ThreadCosts* costs);
using MeasureThreads = decltype(&measure_threads);

}  // namespace sbnn
