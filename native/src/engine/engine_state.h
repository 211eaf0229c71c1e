// What an Engine is made of, shared by engine.cpp (running) and inspect.cpp (looking inside).
#pragma once

#include <new>

#include "cpu/float_environment.h"
#include "plan/bounds/limits.h"
#include "plan/fuse.h"
#include "run/context.h"
#include "signbit/engine.h"
#include "threads/sharing.h"
#include "threads/thread_pool.h"

namespace sbnn {

struct Engine::State {
  State(Graph read_graph, int threads, const EngineOptions& options)
      : graph(std::move(read_graph)),
        fused(fuse_graph(graph, options.fuse)),
        is_interrupted(options.is_interrupted),
        pool(threads),
        contexts(plan),
        sharing(plan, options.share_all) {}

  Graph graph;
  FusedGraph fused;
  Limits limits;
  Estimate estimate;
  int64_t most_samples = 0;
  Plan plan;
  std::vector<NodeInfo> nodes;
  Interrupt::Wanted is_interrupted;
  ThreadPool pool;
  ContextPool contexts;
  Sharing sharing;
};

// A context for one call, with the thread pool where it may have more than one thread: no other
// call has the pool, and not all cores are taken by calls of this or of other engines.
class Call {
 public:
  Call(Engine::State* state, bool alone, const CallState* call_state = nullptr);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Engine::State& state() { return state_; }
  Context& context() { return *context_; }
  int workers() const { return workers_; }  // 1 without the pool
  Status status() const;                    // kInterrupted, or good

  // Whether images should be timed before others run; see Sharing.
  bool times_images() const { return workers_ > 1 && !state_.sharing.is_timed(); }
  int images_at_once(int64_t images);  // see plan_images

  // One node of an image, in an arena of plan.whole_storage.
  void run_node(const NodePlan& node, const Frame& frame);
  // One stage, in an arena of plan.storage; returns on how many threads.
  int run_stage(size_t stage, const Frame& frame);
  void parallel_for(int count, ThreadPool::Task task, void* task_context, int threads);

 private:
  const ThreadPlan& thread_plan();

  Engine::State& state_;
  CoreShare cores_;
  int workers_ = 1;
  const ThreadPlan* plan_ = nullptr;
  std::unique_ptr<Context> context_;
  FloatEnvironment environment_;
};

// What Engine::nodes() says of a plan's nodes.
std::vector<NodeInfo> describe_nodes(const Graph& graph, const Plan& plan);

// Refuses float32 pixels that are not finite or that meet int16 weights.
Status check_pixels(const Plan& plan, const std::string& name, const InputArray& pixels,
                    int64_t count, int64_t elements);
// The same of every image of a batch.
Status check_images(const Plan& plan, const Graph& graph, const Batch& batch);

}  // namespace sbnn
