// What an Engine is made of, shared by engine.cpp (running) and inspect.cpp (looking inside).
#pragma once

#include <new>

#include "context.h"
#include "signbit/engine.h"
#include "thread_pool.h"

namespace sbnn {

struct Engine::State {
  State(Graph read_graph, int threads)
      : graph(std::move(read_graph)), pool(threads), contexts(plan) {}

  Graph graph;
  Plan plan;
  ThreadPool pool;
  ContextPool contexts;
  int64_t image_elements = 0;
  int64_t output_elements = 0;
};

// A context for one call, with the thread pool where no other call has it.
class Call {
 public:
  Call(ThreadPool* pool, ContextPool* contexts)
      : pool_(pool), contexts_(contexts), has_pool_(pool->threads() > 1 && pool->try_acquire()) {
    try {
      context_ = contexts->take();
    } catch (...) {
      if (has_pool_) pool_->release();
      throw;
    }
  }
  ~Call() {
    if (has_pool_) pool_->release();
    contexts_->give_back(std::move(context_));
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  int workers() const { return has_pool_ ? pool_->threads() : 1; }
  Context& context() { return *context_; }

  void parallel_for(int count, ThreadPool::Task task, void* task_context) {
    if (has_pool_) {
      pool_->parallel_for(count, task, task_context);
    } else {
      for (int index = 0; index < count; ++index) task(task_context, index, 0);
    }
  }

 private:
  ThreadPool* pool_;
  ContextPool* contexts_;
  bool has_pool_;
  std::unique_ptr<Context> context_;
  FloatEnvironment environment_;
};

// CPUs that this process may use.
int available_threads();

// The address of one image of a batch.
inline const void* image_at(const Images& images, int64_t elements, int64_t index) {
  const int64_t bytes = elements * (images.is_float ? static_cast<int64_t>(sizeof(float)) : 1);
  return static_cast<const uint8_t*>(images.data) + index * bytes;
}

// Runs one node on one image with all the workers of a call.
void run_node_on(Call* call, const Plan& plan, const NodePlan& node, const Frame& frame);

// The same for a step, in an arena of plan.storage.
void run_step_on(Call* call, const Plan& plan, const Step& step, const Frame& frame);

// Refuses float32 pixels that are not finite or that meet int16 weights.
Status check_pixels(const Plan& plan, const Images& images, int64_t elements);

}  // namespace sbnn
