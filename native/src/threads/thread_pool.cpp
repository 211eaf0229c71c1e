#include "threads/thread_pool.h"

#include <unistd.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <chrono>

#include "cpu/float_environment.h"

namespace sbnn {
namespace {

constexpr int kLoopShift = 32;  // of the parts of a span's word
constexpr int kBeginShift = 16;

uint64_t pack_span(uint64_t loop, int begin, int end) {
  return loop << kLoopShift | static_cast<uint64_t>(begin) << kBeginShift |
         static_cast<uint64_t>(end);
}
uint64_t loop_of(uint64_t word) { return word >> kLoopShift; }
int begin_of(uint64_t word) { return static_cast<int>(word >> kBeginShift & 0xffff); }
int end_of(uint64_t word) { return static_cast<int>(word & 0xffff); }

constexpr auto kSpinTime = std::chrono::microseconds(100);
constexpr auto kAloneTime = std::chrono::microseconds(20);  // of it; then others may have the core
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
  auto spent = start - start;
  do {
    for (int i = 0; i < kSpinsBetweenClockReads; ++i) {
      if (ready()) return true;
      pause();
    }
    spent = std::chrono::steady_clock::now() - start;
    if (spent > kAloneTime) std::this_thread::yield();
  } while (spent < kSpinTime);
  return ready();
}

}  // namespace

ThreadPool::ThreadPool(int threads)
    : threads_(threads),
      owner_(getpid()),
      cpus_(CpuSet::of_this_thread()),
      spans_(std::make_unique<Span[]>(static_cast<size_t>(threads))),
      workers_(std::make_unique<Workers>(threads)) {
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
  for (std::condition_variable& wake : workers_->wake) wake.notify_one();
  for (std::thread& worker : workers_->threads) worker.join();
}

void ThreadPool::follow(const CpuSet& cpus) {
  if (cpus == cpus_) return;
  cpus_ = cpus;
  for (std::thread& worker : workers_->threads) cpus.apply_to(&worker);
}

void ThreadPool::wake(int worker) {
  if (!spans_[static_cast<size_t>(worker)].asleep.load(std::memory_order_seq_cst)) return;
  {
    const std::lock_guard<std::mutex> lock(workers_->mutex);
  }
  workers_->wake[static_cast<size_t>(worker)].notify_one();
}

void ThreadPool::parallel_for(int count, Task task, void* context, int threads,
                              Interrupt* interrupt) {
  if (count <= 1 || threads == 1) {
    for (int index = 0; index < count; ++index) task(context, index, 0);
    return;
  }
  const uint64_t loop = static_cast<uint32_t>(loop_.load(std::memory_order_relaxed) + 1);
  task_.store(task, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  participants_.store(threads, std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  for (int worker = 0; worker < threads; ++worker) {
    const int64_t begin = int64_t{count} * worker / threads;
    const int64_t end = int64_t{count} * (worker + 1) / threads;
    spans_[static_cast<size_t>(worker)].word.store(
        pack_span(loop, static_cast<int>(begin), static_cast<int>(end)), std::memory_order_release);
  }
  // Sequentially consistent with wait_for_loop: either the sleeper sees the loop, or we see it.
  loop_.store(loop, std::memory_order_seq_cst);
  for (int worker = 1; worker < threads; ++worker) wake(worker);
  run_tasks(loop, 0);
  const auto finished = [&] { return done_.load(std::memory_order_acquire) == count; };
  while (!spin(finished)) {
    if (interrupt != nullptr) interrupt->look();
    std::this_thread::yield();
  }
}

// Runs what a worker can claim of a loop: its own span from the front, the others' from the end.
void ThreadPool::run_tasks(uint64_t loop, int worker) {
  Claim claimed{};
  // Of a later loop, if this one is over: then there is nothing to claim.
  const int threads = participants_.load(std::memory_order_relaxed);
  for (int other = 0; other < threads; ++other) {
    Span& span = spans_[static_cast<size_t>((worker + other) % threads)];
    while (claim(loop, &span, other == 0, &claimed)) {
      claimed.task(claimed.context, claimed.index, worker);
      done_.fetch_add(1, std::memory_order_acq_rel);
    }
  }
}

bool ThreadPool::claim(uint64_t loop, Span* span, bool from_front, Claim* claimed) {
  uint64_t word = span->word.load(std::memory_order_acquire);
  while (loop_of(word) == loop && begin_of(word) < end_of(word)) {
    const int begin = begin_of(word), end = end_of(word);
    claimed->task = task_.load(std::memory_order_relaxed);
    claimed->context = context_.load(std::memory_order_relaxed);
    claimed->index = from_front ? begin : end - 1;
    const uint64_t rest =
        from_front ? pack_span(loop, begin + 1, end) : pack_span(loop, begin, end - 1);
    if (span->word.compare_exchange_weak(word, rest, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
      return true;
    }
  }
  return false;
}

void ThreadPool::work(int worker) {
  const FloatEnvironment environment;
  uint64_t seen = 0;
  while (true) {
    seen = wait_for_loop(worker, seen);
    if (stopping_.load(std::memory_order_acquire)) return;
    run_tasks(seen, worker);
  }
}

// The number of a loop after `seen` that the worker has part in; spins, then sleeps.
uint64_t ThreadPool::wait_for_loop(int worker, uint64_t seen) {
  Span& span = spans_[static_cast<size_t>(worker)];
  const auto ready = [&] {
    return loop_of(span.word.load(std::memory_order_acquire)) != seen ||
           stopping_.load(std::memory_order_acquire);
  };
  if (!spin(ready)) {
    std::unique_lock<std::mutex> lock(workers_->mutex);
    span.asleep.store(true, std::memory_order_seq_cst);
    workers_->wake[static_cast<size_t>(worker)].wait(lock, [&] {
      static_cast<void>(loop_.load(std::memory_order_seq_cst));  // see parallel_for
      return ready();
    });
    span.asleep.store(false, std::memory_order_relaxed);
  }
  return loop_of(span.word.load(std::memory_order_acquire));
}

}  // namespace sbnn
