// How many threads the stages of a plan pay for: from what each takes on one thread, what sharing
// it costs on this machine, and which bytes have to move from core to core.
#pragma once

#include <vector>

#include "run/executor.h"
#include "threads/thread_costs.h"

namespace sbnn {

struct ThreadPlan {
  std::vector<int> threads;  // by stage
  double alone = 0;          // expected ns per image on one thread,
  double shared = 0;         // and on these threads

  bool is_shared() const { return shared < alone; }
};

// `stage_times` are ns on one thread; `options` are the numbers of threads there are beside one.
// With no options, and wherever more threads gain next to nothing, all stages run on one.
ThreadPlan plan_threads(const Plan& plan, const std::vector<double>& stage_times,
                        const std::vector<ThreadCosts>& options);

// How many images of a batch to run at once, each on one thread: one of the options, or 1; 0 where
// it is better to run them one after the other on the threads of the plan.
int plan_images(const ThreadPlan& plan, int64_t images, const std::vector<ThreadCosts>& options);

}  // namespace sbnn
