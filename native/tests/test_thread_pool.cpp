// Every index runs once, whatever the counts, pauses and number of threads; a fork may drop a pool.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "check.h"
#include "thread_pool.h"

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

void test_one_owner() {
  sbnn::ThreadPool pool(2);
  CHECK(pool.try_acquire());
  bool second = true;
  std::thread([&] { second = pool.try_acquire(); }).join();
  CHECK(!second);
  pool.release();
}

void test_fork() {
  auto pool = std::make_unique<sbnn::ThreadPool>(3);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the workers sleep
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);  // rather than hang
    const bool alone = !pool->try_acquire();
    pool.reset();
    _exit(alone ? 0 : 1);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

int main() {
  for (const int threads : {1, 2, 4}) test_loops(threads);
  test_one_owner();
  test_fork();
  return test::finish();
}
