// How one engine shares its work among threads.
//
// Its first images run on one thread and are timed, stage by stage: so each stage's cost is that of
// this network on this machine, and nothing runs for the sake of timing alone. Then a plan is made.
// No answer depends on any of it.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>
#include <map>

#include "threads/thread_plan.h"

namespace sbnn {

class Sharing {
 public:
  // `all` (for tests) cuts every stage for all threads of the engine, whatever it costs and however
  // few cores there are, so that small networks on small machines are cut too.
  // `measure`: where the machine's costs come from.
  Sharing(const Plan& plan, bool all, MeasureThreads measure = &measure_threads)
      : plan_(plan), all_(all), measure_(measure) {}

  bool shares_all() const { return all_; }

  // Whether an image that comes alone should run on one thread, which needs no pool: the plan for
  // the most threads so far says so.
  bool image_runs_alone() const {
    const Clock::rep until = alone_until_.load(std::memory_order_relaxed);
    return until == kAlways || (until != 0 && Clock::now().time_since_epoch().count() < until);
  }

  // The rest is for a call that holds the pool.

  bool is_timed() const {
    return all_ || (timed_ >= kTimedImages &&
                    (timed_ * best_image_ >= kTimedNanoseconds || timed_ >= kMostTimedImages));
  }
  // Runs an image on the caller's thread and notes what its stages take.
  void time_image(const Frame& frame, Scratch* scratch);

  // The plan for so many threads at most, at least 2, once images are timed.
  const ThreadPlan& plan_for(ThreadPool* pool, int threads);
  // Whether the plan is still on trial: then each image's time is wanted. A plan whose images all
  // take longer than on one thread, for whatever reason, is dropped for a while.
  bool is_on_trial(int threads) const { return planned_.at(threads).trials > 0; }
  void judge(int threads, double nanoseconds);
  // Whether an image should do without that plan, as workers would have to be woken for less than
  // that takes. Images that follow each other soon have them woken.
  bool is_not_worth_waking(const ThreadPlan& plan, const ThreadPool& pool);
  // See plan_images; after plan_for.
  int images_at_once(int64_t images, int threads) const;

 private:
  using Clock = std::chrono::steady_clock;

  // Timed at least; each stage counts as in the best of them. The first images of a process meet
  // memory that is new and a core that has yet to reach its frequency; so the time that counts is
  // without interruptions.
  static constexpr int kTimedImages = 3, kMostTimedImages = 1000;
  static constexpr double kTimedNanoseconds = 1e6;
  static constexpr int kTrials = 16;
  static constexpr std::chrono::seconds kLongestWait{10};
  // To wake a worker: some system calls, and tens of microseconds until it runs.
  static constexpr double kWakeNanoseconds = 50e3;
  static constexpr std::chrono::milliseconds kSoon{1};
  static constexpr Clock::rep kAlways = std::numeric_limits<Clock::rep>::max();

  // For some number of threads.
  struct Planned {
    bool certain = true;  // the machine was not too busy, and the plan not dropped; or tried again
    Clock::time_point retry;
    Clock::duration wait = std::chrono::milliseconds(10);  // doubles, up to kLongestWait
    std::vector<ThreadCosts> options;
    ThreadPlan plan;
    int trials = 0;   // left
    double best = 0;  // ns of an image
  };
  Planned make_plan_for(ThreadPool* pool, int threads) const;
  void set_alone(const Planned& planned);
  bool add_option(ThreadPool* pool, int threads, Planned* planned) const;

  const Plan& plan_;
  const bool all_;
  const MeasureThreads measure_;
  std::atomic<Clock::rep> alone_until_{0};
  int timed_ = 0;
  double best_image_ = 0;  // ns, the sum of:
  std::vector<double> stage_times_;
  Clock::time_point last_image_;
  std::map<int, Planned> planned_;  // by threads
};

}  // namespace sbnn
