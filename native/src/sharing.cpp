#include "sharing.h"

#include <algorithm>
#include <chrono>

namespace sbnn {

void Sharing::time_image(const Frame& frame, Scratch* scratch) {
  using Clock = std::chrono::steady_clock;
  step_times_.resize(plan_.steps.size());
  Clock::time_point start = Clock::now();
  for (size_t i = 0; i < plan_.steps.size(); ++i) {
    run_step(plan_, plan_.steps[i], frame, Split(), 0, scratch);
    const Clock::time_point end = Clock::now();
    const double took = std::chrono::duration<double, std::nano>(end - start).count();
    timed_ns_ += took;
    step_times_[i] = timed_ == 0 ? took : std::min(step_times_[i], took);
    start = end;
  }
  ++timed_;
}

const ThreadPlan& Sharing::plan_for(ThreadPool* pool, int threads) {
  ++calls_;
  if (planned_for_ == threads && (measured_ || calls_ < retry_at_)) return threads_;
  planned_for_ = threads;
  measured_ = true;
  if (all_) {
    threads_.threads.assign(plan_.steps.size(), threads);
    return threads_;
  }
  options_.clear();
  for (int fewer = 2; measured_ && fewer < threads; fewer *= 2) measured_ = add_option(pool, fewer);
  measured_ = measured_ && add_option(pool, threads);
  threads_ = plan_threads(plan_, step_times_, options_);
  retry_at_ = 2 * calls_;
  const int64_t always = threads == pool->threads() ? kAlways : 0;
  alone_.store(threads_.is_shared() ? 0 : measured_ ? always : calls_, std::memory_order_relaxed);
  return threads_;
}

bool Sharing::add_option(ThreadPool* pool, int threads) {
  ThreadCosts costs;
  if (!measure_threads(*plan_.kernels, pool, threads, &costs)) return false;
  options_.push_back(costs);
  return true;
}

int Sharing::images_at_once(int64_t images) const {
  if (!all_) return plan_images(threads_, images, options_);
  return images >= planned_for_ ? planned_for_ : 0;
}

}  // namespace sbnn
