#include "thread_pool.h"

#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <chrono>

namespace sbnn {
namespace {

constexpr uint64_t kLoop = uint64_t{1} << 32;
constexpr uint64_t kClosed = kLoop - 1;  // an index that no loop reaches
constexpr auto kSpinTime = std::chrono::microseconds(100);
constexpr int kSpinsBetweenClockReads = 64;

void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// Spins until `ready()` or until the time is up; true where ready.
template <typename Condition>
bool spin(Condition ready) {
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < kSpinsBetweenClockReads; ++i) {
      if (ready()) return true;
      pause();
    }
  } while (std::chrono::steady_clock::now() - start < kSpinTime);
  return ready();
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : threads_(threads), owner_(getpid()), workers_(std::make_unique<Workers>()) {
  workers_->threads.reserve(static_cast<size_t>(threads - 1));
  try {
    for (int worker = 1; worker < threads; ++worker) {
      workers_->threads.emplace_back([this, worker] { work(worker); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  if (is_foreign()) {
    static_cast<void>(workers_.release());  // on purpose never freed, see Workers
    return;
  }
  stop();
}

bool ThreadPool::is_foreign() const { return owner_ != getpid(); }

void ThreadPool::stop() {
  {
    const std::lock_guard<std::mutex> lock(workers_->mutex);
    stopping_.store(true);
  }
  workers_->wake.notify_all();
  for (std::thread& worker : workers_->threads) worker.join();
}

void ThreadPool::parallel_for(int count, Task task, void* context) {
  if (count <= 1 || threads_ == 1) {
    for (int index = 0; index < count; ++index) task(context, index, 0);
    return;
  }
  // A worker late from the last loop holds a ticket whose index is that loop's count. It must not
  // claim with it once the fields below are this loop's, whose count may be larger: so the ticket
  // moves on first, closed, and opens when the fields are complete.
  const uint64_t closed = ticket_.load(std::memory_order_relaxed) / kLoop * kLoop + kLoop;
  ticket_.store(closed + kClosed, std::memory_order_relaxed);
  count_.store(count, std::memory_order_release);
  task_.store(task, std::memory_order_release);
  context_.store(context, std::memory_order_release);
  done_.store(0, std::memory_order_relaxed);
  const uint64_t ticket = closed + kLoop;
  // Sequentially consistent with wait_for_loop: either the sleeper sees the loop, or we see it.
  ticket_.store(ticket, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) {
    {
      const std::lock_guard<std::mutex> lock(workers_->mutex);
    }
    workers_->wake.notify_all();
  }
  run_tasks(ticket, 0);
  const auto finished = [&] { return done_.load(std::memory_order_acquire) == count; };
  while (!spin(finished)) std::this_thread::yield();
}

// Claims indices of the loop that `ticket` belongs to until it has none left.
void ThreadPool::run_tasks(uint64_t ticket, int worker) {
  const uint64_t loop = ticket / kLoop;
  while (ticket / kLoop == loop) {
    const int count = count_.load(std::memory_order_acquire);
    const Task task = task_.load(std::memory_order_acquire);
    void* const context = context_.load(std::memory_order_acquire);
    const auto index = static_cast<uint32_t>(ticket);
    if (index >= static_cast<uint32_t>(count)) return;  // all claimed, or closed
    if (ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
      task(context, static_cast<int>(index), worker);
      done_.fetch_add(1, std::memory_order_acq_rel);
      ticket = ticket_.load(std::memory_order_acquire);
    }
  }
}

void ThreadPool::work(int worker) {
  const FloatEnvironment environment;
  uint64_t seen = 0;
  while (true) {
    const uint64_t ticket = wait_for_loop(seen);
    if (stopping_.load(std::memory_order_acquire)) return;
    seen = ticket / kLoop;
    run_tasks(ticket, worker);
  }
}

// The ticket of a loop after number `seen`; spins, then sleeps.
uint64_t ThreadPool::wait_for_loop(uint64_t seen) {
  const auto ready = [&] {
    return ticket_.load(std::memory_order_acquire) / kLoop != seen ||
           stopping_.load(std::memory_order_acquire);
  };
  if (!spin(ready)) {
    std::unique_lock<std::mutex> lock(workers_->mutex);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    workers_->wake.wait(lock, [&] {
      return ticket_.load(std::memory_order_seq_cst) / kLoop != seen || stopping_.load();
    });
    sleepers_.fetch_sub(1, std::memory_order_relaxed);
  }
  return ticket_.load(std::memory_order_acquire);
}

FloatEnvironment::FloatEnvironment() {
#if defined(__x86_64__)
  saved_ = _mm_getcsr();
  _mm_setcsr(0x1f80);
#endif
}

FloatEnvironment::~FloatEnvironment() {
#if defined(__x86_64__)
  _mm_setcsr(saved_);
#endif
}

}  // namespace sbnn
