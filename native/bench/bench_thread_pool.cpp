// What sharing a loop of empty tasks costs, in microseconds: bench_thread_pool [threads].
//
// The tasks of a loop wait for each other, so that every thread takes part. The loops follow each
// other at once, as the nodes of a network do, or after pauses in which the workers fall asleep.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "threads/thread_pool.h"

namespace {

struct Meeting {
  int threads;
  std::atomic<int> arrived{0};
};

void meet(void* context, int, int) {
  Meeting& meeting = *static_cast<Meeting*>(context);
  meeting.arrived.fetch_add(1);
  while (meeting.arrived.load() < meeting.threads) {
  }
}

double median_microseconds(sbnn::ThreadPool* pool, int loops, std::chrono::milliseconds pause) {
  std::vector<double> samples;
  for (int i = 0; i < loops; ++i) {
    std::this_thread::sleep_for(pause);
    Meeting meeting{pool->threads()};
    const auto start = std::chrono::steady_clock::now();
    pool->parallel_for(pool->threads(), meet, &meeting);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    samples.push_back(took.count());
  }
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 2];
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::max(1, std::atoi(arguments[1])) : 2;
  sbnn::ThreadPool pool(threads);
  if (!pool.try_acquire()) return 1;
  std::printf("%d threads: %.2f us in a row, %.2f us after a sleep\n", threads,
              median_microseconds(&pool, 2000, std::chrono::milliseconds(0)),
              median_microseconds(&pool, 50, std::chrono::milliseconds(5)));
  pool.release();
  return 0;
}
