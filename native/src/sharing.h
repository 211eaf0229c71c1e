// How one engine shares its work among threads.
//
// Its first images run on one thread and are timed, step by step: so each step's cost is that of
// this network on this machine, and nothing runs for the sake of timing alone. Then a plan is made.
// No answer depends on any of it.
#pragma once

#include <atomic>
#include <cstdint>

#include "thread_plan.h"

namespace sbnn {

class Sharing {
 public:
  // `all` (for tests) cuts every step for all threads of the engine, whatever it costs and however
  // few cores there are, so that small networks on small machines are cut too.
  Sharing(const Plan& plan, bool all) : plan_(plan), all_(all) {}

  bool shares_all() const { return all_; }

  // Whether the next image that comes alone should run on one thread, which needs no pool: it is
  // known to pay, or the machine was too busy to know.
  bool next_runs_alone() {
    const int64_t images = alone_.load(std::memory_order_relaxed);
    if (images > 0 && images != kAlways) alone_.fetch_sub(1, std::memory_order_relaxed);
    return images > 0;
  }

  // The rest is for a call that holds the pool.

  bool is_timed() const {
    return all_ || (timed_ >= kTimedImages && timed_ns_ >= kTimedNanoseconds);
  }
  // Runs an image on the caller's thread and notes what its steps take.
  void time_image(const Frame& frame, Scratch* scratch);

  // The plan for so many threads at most, once images are timed; asked for once a call.
  const ThreadPlan& plan_for(ThreadPool* pool, int threads);
  // See plan_images; on the threads of the last plan_for.
  int images_at_once(int64_t images) const;

 private:
  bool add_option(ThreadPool* pool, int threads);

  // Timed at least; each step counts as in the best of them. The first images of a process meet
  // memory that is new and a core that has yet to reach its frequency.
  static constexpr int kTimedImages = 3;
  static constexpr double kTimedNanoseconds = 1e6;
  static constexpr int64_t kAlways = INT64_MAX;

  const Plan& plan_;
  const bool all_;
  std::atomic<int64_t> alone_{0};  // images, or kAlways
  int timed_ = 0;
  double timed_ns_ = 0;
  std::vector<double> step_times_;  // ns
  int planned_for_ = 0;
  bool measured_ = false;             // the machine, or else it was too busy:
  int64_t calls_ = 0, retry_at_ = 0;  // then every so often it is tried again
  std::vector<ThreadCosts> options_;
  ThreadPlan threads_;
};

}  // namespace sbnn
