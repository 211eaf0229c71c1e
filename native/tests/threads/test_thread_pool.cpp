// Every index runs once, whatever the counts, pauses and number of threads.

#include <chrono>
#include <thread>
#include <vector>

#include "check.h"
#include "pinning.h"
#include "threads/thread_pool.h"

namespace {

struct Job {
  std::vector<int> runs;
  std::vector<int> by_worker;
};

void count(void* context, int index, int worker) {
  Job& job = *static_cast<Job*>(context);
  ++job.runs[static_cast<size_t>(index)];
  ++job.by_worker[static_cast<size_t>(worker) * 64];  // a worker's own cache line
}

void test_loops(int threads) {
  sbnn::ThreadPool pool(threads);
  CHECK(pool.try_acquire());
  for (int round = 0; round < 2000; ++round) {
    const int tasks = round % 10 == 0 ? round % 301 : round % 7;
    Job job{std::vector<int>(static_cast<size_t>(tasks)),
            std::vector<int>(static_cast<size_t>(threads) * 64)};
    pool.parallel_for(tasks, count, &job);
    int total = 0;
    for (const int runs : job.runs) CHECK(runs == 1);
    for (const int runs : job.by_worker) total += runs;
    CHECK(total == tasks);
    // Long enough now and then for the workers to fall asleep.
    if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  pool.release();
}

// A loop for some of the workers leaves the others alone, asleep or not.
void test_fewer_threads() {
  constexpr int kThreads = 5;
  sbnn::ThreadPool pool(kThreads);
  CHECK(pool.try_acquire());
  for (int round = 0; round < 600; ++round) {
    const int threads = 1 + round % kThreads, tasks = round % 40;
    Job job{std::vector<int>(static_cast<size_t>(tasks)), std::vector<int>(kThreads * 64)};
    pool.parallel_for(tasks, count, &job, threads);
    for (const int runs : job.runs) CHECK(runs == 1);
    for (int worker = threads; worker < kThreads; ++worker) {
      CHECK(job.by_worker[static_cast<size_t>(worker) * 64] == 0);
    }
    if (round % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  pool.release();
}

void note_cpu(void* context, int index, int) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // so that another takes the next
  static_cast<int*>(context)[index] = sbnn::current_cpu();
}

// Workers go where their caller may run.
void test_pinned_caller() {
  sbnn::ThreadPool pool(3);
  CHECK(pool.try_acquire());
  std::thread([&] {
    test::pin_this_thread();
    const int cpu = sbnn::current_cpu();
    pool.follow(sbnn::CpuSet::of_this_thread());
    int cpus[12];
    pool.parallel_for(12, note_cpu, cpus);
    for (const int used : cpus) CHECK(used == cpu);
  }).join();
  pool.release();
}

void test_one_owner() {
  sbnn::ThreadPool pool(2);
  CHECK(pool.try_acquire());
  bool second = true;
  std::thread([&] { second = pool.try_acquire(); }).join();
  CHECK(!second);
  pool.release();
}

}  // namespace

int main() {
  for (const int threads : {1, 2, 4}) test_loops(threads);
  test_fewer_threads();
  test_pinned_caller();
  test_one_owner();
  return test::finish();
}
