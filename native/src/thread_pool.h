// Threads that share out the indices of one loop at a time.
//
// Indices are claimed one by one, so a worker that is late or asleep costs time and never
// correctness: the caller takes what nobody else does. Workers spin for a while between loops, as
// the layers of a network follow each other in microseconds, and then sleep.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sbnn {

class ThreadPool {
 public:
  // `worker` is 0 for the caller and 1 .. threads - 1 for the others; no two run at once with the
  // same worker.
  using Task = void (*)(void* context, int index, int worker);

  // The caller counts as one of `threads`.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return threads_; }

  // One call has the pool at a time; another must do its work alone, and so must a forked process.
  bool try_acquire() { return !is_foreign() && mutex_.try_lock(); }
  void release() { mutex_.unlock(); }

  // Runs task(context, i, worker) for i in [0, count), returns when all are done. Only between
  // try_acquire and release. Does not allocate.
  void parallel_for(int count, Task task, void* context);

 private:
  // What the workers sleep on, and they. A forked process has a copy of it as it was at some
  // moment, maybe locked and waited for by threads that are gone, so there it cannot be destroyed.
  struct Workers {
    std::mutex mutex;
    std::condition_variable wake;
    std::vector<std::thread> threads;
  };

  bool is_foreign() const;
  void stop();
  void work(int worker);
  void run_tasks(uint64_t ticket, int worker);
  uint64_t wait_for_loop(uint64_t seen);

  int threads_;
  long owner_;  // the process that started the workers
  std::mutex mutex_;

  // The current loop. Its low half is the next index, its high half counts loops. The ticket is
  // closed while the fields below change, so a claim that succeeds proves that they, read before
  // it, belonged to that loop.
  alignas(64) std::atomic<uint64_t> ticket_{0};
  std::atomic<int> count_{0};
  std::atomic<Task> task_{nullptr};
  std::atomic<void*> context_{nullptr};
  alignas(64) std::atomic<int> done_{0};

  alignas(64) std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
  std::unique_ptr<Workers> workers_;
};

// Default rounding and no flushing of subnormals for the calling thread while this lives: a host
// may have set others, and answers must not depend on that.
class FloatEnvironment {
 public:
  FloatEnvironment();
  ~FloatEnvironment();
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  unsigned saved_ = 0;
};

}  // namespace sbnn
