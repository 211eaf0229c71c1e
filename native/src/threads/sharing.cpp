#include "threads/sharing.h"

#include <algorithm>
#include <numeric>

namespace sbnn {

void Sharing::time_image(const Frame& frame, Scratch* scratch) {
  stage_times_.resize(plan_.stages.size());
  Clock::time_point start = Clock::now();
  for (size_t i = 0; i < plan_.stages.size(); ++i) {
    run_stage(plan_, plan_.stages[i], frame, Split(), 0, scratch);
    if (scratch->is_left(0)) return;
    const Clock::time_point end = Clock::now();
    const double took = std::chrono::duration<double, std::nano>(end - start).count();
    stage_times_[i] = timed_ == 0 ? took : std::min(stage_times_[i], took);
    start = end;
  }
  best_image_ = std::accumulate(stage_times_.begin(), stage_times_.end(), 0.0);
  ++timed_;
}

const ThreadPlan& Sharing::plan_for(ThreadPool* pool, int threads) {
  const auto found = planned_.find(threads);
  const bool known = found != planned_.end();
  if (known && (found->second.certain || Clock::now() < found->second.retry)) {
    return found->second.plan;
  }
  Planned planned = make_plan_for(pool, threads);
  if (known) planned.wait = std::min<Clock::duration>(2 * found->second.wait, kLongestWait);
  planned.retry = Clock::now() + planned.wait;
  if (planned_.empty() || threads >= planned_.rbegin()->first) set_alone(planned);
  return planned_.insert_or_assign(threads, std::move(planned)).first->second.plan;
}

void Sharing::set_alone(const Planned& planned) {
  const Clock::rep until = planned.certain ? kAlways : planned.retry.time_since_epoch().count();
  alone_until_.store(planned.plan.is_shared() ? 0 : until, std::memory_order_relaxed);
}

void Sharing::judge(int threads, double nanoseconds) {
  Planned& planned = planned_.at(threads);
  planned.best = planned.trials == kTrials ? nanoseconds : std::min(planned.best, nanoseconds);
  --planned.trials;
  if (planned.best < planned.plan.alone) planned.trials = 0;
  if (planned.trials > 0 || planned.best < planned.plan.alone) return;
  planned.plan = plan_threads(plan_, stage_times_, {});
  planned.certain = false;
  planned.retry = Clock::now() + planned.wait;
  if (threads == planned_.rbegin()->first) set_alone(planned);
}

Sharing::Planned Sharing::make_plan_for(ThreadPool* pool, int threads) const {
  Planned planned;
  if (all_) {
    planned.plan.threads.assign(plan_.stages.size(), threads);
    planned.plan.alone = 1;  // more than `shared`
    return planned;
  }
  for (int fewer = 2; fewer < threads; fewer *= 2) {
    planned.certain &= add_option(pool, fewer, &planned);
  }
  planned.certain &= add_option(pool, threads, &planned);
  planned.plan = plan_threads(plan_, stage_times_, planned.options);
  if (planned.plan.is_shared()) planned.trials = kTrials;
  return planned;
}

// Whether the option's costs are measured. Until they are, a barrier counts as slower than any that
// was seen between free cores: then large stages are shared and doubtful ones are not.
bool Sharing::add_option(ThreadPool* pool, int threads, Planned* planned) const {
  ThreadCosts costs{threads, 5000 + 500.0 * threads, 1, 0.03};
  const bool measured = measure_(*plan_.kernels, pool, threads, &costs);
  planned->options.push_back(costs);
  return measured;
}

bool Sharing::is_not_worth_waking(const ThreadPlan& plan, const ThreadPool& pool) {
  if (all_ || plan.alone - plan.shared > kWakeNanoseconds) return false;
  const Clock::time_point now = Clock::now();
  const bool soon = now - last_image_ < kSoon;
  last_image_ = now;
  return !soon && pool.sleeps();
}

int Sharing::images_at_once(int64_t images, int threads) const {
  const Planned& planned = planned_.at(threads);
  if (!all_) return plan_images(planned.plan, images, planned.options);
  return images >= threads ? threads : 0;
}

}  // namespace sbnn
