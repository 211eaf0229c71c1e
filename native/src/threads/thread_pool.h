// Threads that share out the indices of one loop at a time.
//
// Each worker has a span of neighbouring indices of its own, so that in loop after loop it meets
// the rows that are in its cache. Indices are claimed one by one, and who has finished takes from
// the ends of the others' spans: a worker that is late or asleep costs time and never correctness.
// A loop is for the first so many workers; the others are neither woken nor do they take from it.
// Workers spin for a while between loops, as the layers of a network follow each other in
// microseconds, then offer their cores to whatever else wants to run, and then sleep.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "cpu/cores.h"
#include "threads/interrupt.h"

namespace sbnn {

class ThreadPool {
 public:
  // `worker` is 0 for the caller and 1 .. threads - 1 for the others; no two run at once with the
  // same worker.
  using Task = void (*)(void* context, int index, int worker);

  static constexpr int kMaxCount = 0xffff;  // of a loop

  // The caller counts as one of `threads`.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // One call has the pool at a time; another must do its work alone, and so must a forked process.
  bool try_acquire() { return !is_foreign() && mutex_.try_lock(); }
  void release() { mutex_.unlock(); }

  // The rest only between try_acquire and release.

  // Runs task(context, i, worker) for i in [0, count) on the first `threads` workers, or on all;
  // returns when all are done. count is at most kMaxCount. Does not allocate. Who waits for the
  // last workers looks at the interrupt meanwhile.
  void parallel_for(int count, Task task, void* context, int threads,
                    Interrupt* interrupt = nullptr);
  void parallel_for(int count, Task task, void* context) {
    parallel_for(count, task, context, threads_);
  }

  // Whether the first of the other workers sleeps; waking it takes longer than small networks do.
  bool sleeps() const { return spans_[1].asleep.load(std::memory_order_relaxed); }

  // Keeps the workers on the caller's CPUs, which may have changed since they were started.
  void follow(const CpuSet& cpus);

 private:
  // What the workers sleep on, and they. A forked process has a copy of it as it was at some
  // moment, maybe locked and waited for by threads that are gone, so there it cannot be destroyed.
  struct Workers {
    explicit Workers(int count) : wake(static_cast<size_t>(count)) {}

    std::mutex mutex;
    std::vector<std::condition_variable> wake;  // by worker
    std::vector<std::thread> threads;
  };

  // Indices of one worker that nobody has claimed, [begin, end), and the loop they belong to: its
  // number in the high half, then `begin`, then `end`, 16 bits each. A worker has part in a loop if
  // its span does.
  struct alignas(64) Span {
    std::atomic<uint64_t> word{0};
    std::atomic<bool> asleep{false};
  };

  // A claimed index and what to do with it.
  struct Claim {
    Task task;
    void* context;
    int index;
  };

  bool is_foreign() const;
  void stop();
  void work(int worker);
  void wake(int worker);
  void run_tasks(uint64_t loop, int worker);
  bool claim(uint64_t loop, Span* span, bool from_front, Claim* claimed);
  uint64_t wait_for_loop(int worker, uint64_t seen);

  int threads_;
  long owner_;  // the process that started the workers
  CpuSet cpus_;
  std::mutex mutex_;

  // The current loop. Its fields change while all spans are empty, before the spans are filled; so
  // a claim that succeeds proves that they, read between seeing the span and claiming, belonged to
  // that loop.
  alignas(64) std::atomic<uint64_t> loop_{0};
  std::atomic<Task> task_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<int> participants_{0};
  std::unique_ptr<Span[]> spans_;  // by worker
  alignas(64) std::atomic<int> done_{0};

  alignas(64) std::atomic<bool> stopping_{false};
  std::unique_ptr<Workers> workers_;
};

}  // namespace sbnn
