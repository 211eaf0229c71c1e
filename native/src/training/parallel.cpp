#include "training/parallel.h"

#include <dlfcn.h>

#include <memory>
#include <mutex>

#include "threads/thread_pool.h"

namespace sbnn {
namespace {

// libgomp's entry points, whose ABI is stable: what a compiler calls for `#pragma omp parallel`.
using ParallelRegion = void (*)(void (*run)(void*), void* context, unsigned threads,
                                unsigned flags);
using Number = int (*)();

struct OpenMp {
  ParallelRegion parallel = reinterpret_cast<ParallelRegion>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  Number thread = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
  Number threads = reinterpret_cast<Number>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));

  bool found() const { return parallel != nullptr && thread != nullptr && threads != nullptr; }
};

struct Loop {
  int64_t count;
  int parts;
  RangeTask task;
  void* context;
  const OpenMp* openmp;

  void run(int part) const {
    task(context, {count * part / parts, count * (part + 1) / parts}, part);
  }
};

// The runtime may give fewer threads than were asked for.
void run_thread(void* context) {
  const Loop& loop = *static_cast<Loop*>(context);
  const int threads = loop.openmp->threads();
  for (int part = loop.openmp->thread(); part < loop.parts; part += threads) loop.run(part);
}

void run_index(void* context, int index, int) { static_cast<Loop*>(context)->run(index); }

// Where PyTorch was built without libgomp: threads of our own, one loop at a time.
void run_on_own_threads(Loop* loop) {
  static std::mutex mutex;
  static std::unique_ptr<ThreadPool> pool;
  const std::lock_guard<std::mutex> lock(mutex);
  if (pool == nullptr || pool->threads() != loop->parts) {
    pool = std::make_unique<ThreadPool>(loop->parts);
  }
  if (pool->try_acquire()) {
    pool->parallel_for(loop->parts, run_index, loop);
    pool->release();
  } else {  // in a forked process
    for (int part = 0; part < loop->parts; ++part) loop->run(part);
  }
}

}  // namespace

void parallel_ranges(int64_t count, int parts, RangeTask task, void* context) {
  static const OpenMp openmp;
  Loop loop{count, parts, task, context, &openmp};
  if (parts <= 1) {
    loop.parts = 1;
    loop.run(0);
  } else if (openmp.found()) {
    openmp.parallel(run_thread, &loop, static_cast<unsigned>(parts), 0);
  } else {
    run_on_own_threads(&loop);
  }
}

}  // namespace sbnn
