#include "engine/engine_state.h"

namespace sbnn {
namespace {

// One node or stage of one image, cut for several workers.
struct NodeTask {
  const Plan& plan;
  const NodePlan& node;
  const Frame& frame;
  Split split;
  Context& memory;
};

void run_node_part(void* context, int index, int worker) {
  const NodeTask& task = *static_cast<NodeTask*>(context);
  run_node(task.plan, task.node, task.frame, task.split, index, task.memory.scratch(worker));
}

struct StageTask {
  const Plan& plan;
  const Stage& stage;
  const Frame& frame;
  Split split;
  Context& memory;
};

void run_stage_part(void* context, int index, int worker) {
  const StageTask& task = *static_cast<StageTask*>(context);
  run_stage(task.plan, task.stage, task.frame, task.split, index, task.memory.scratch(worker));
}

}  // namespace

Call::Call(Engine::State* state, bool alone, const CallState* call_state)
    : state_(*state), cores_(alone ? 1 : state->pool.threads()) {
  const bool all = state_.sharing.shares_all();
  if ((all ? state_.pool.threads() : cores_.cores()) > 1 && state_.pool.try_acquire()) {
    workers_ = all ? state_.pool.threads() : cores_.cores();
  } else {
    cores_.keep(1);
  }
  try {
    if (workers_ > 1) state_.pool.follow(cores_.cpus());
    context_ = state_.contexts.take();
    context_->interrupt()->begin(&state_.is_interrupted, call_state);
  } catch (...) {
    if (workers_ > 1) state_.pool.release();
    throw;
  }
}

Call::~Call() {
  if (workers_ > 1) state_.pool.release();
  // What an interrupted call has left in its scratch is forgotten with it.
  if (!context_->interrupt()->is_set()) state_.contexts.give_back(std::move(context_));
}

Status Call::status() const {
  if (!context_->interrupt()->is_set()) return {};
  return {Code::kInterrupted, "the call was interrupted"};
}

// With the pool, and once images are timed.
const ThreadPlan& Call::thread_plan() {
  if (plan_ == nullptr) plan_ = &state_.sharing.plan_for(&state_.pool, workers_);
  return *plan_;
}

int Call::images_at_once(int64_t images) {
  if (workers_ == 1) return 1;
  const ThreadPlan& plan = thread_plan();
  if (images == 1 && state_.sharing.is_not_worth_waking(plan, state_.pool)) return 1;
  return state_.sharing.images_at_once(images, workers_);
}

void Call::run_node(const NodePlan& node, const Frame& frame) {
  // Nodes alone are not timed.
  const int threads = state_.sharing.shares_all() ? workers_ : useful_threads(node, workers_);
  NodeTask task{state_.plan, node, frame, split_node(node, threads), *context_};
  parallel_for(task.split.parts(), run_node_part, &task, threads);
}

int Call::run_stage(size_t stage, const Frame& frame) {
  const int threads = workers_ == 1 ? 1 : thread_plan().threads[stage];
  const Stage& spec = state_.plan.stages[stage];
  StageTask task{state_.plan, spec, frame, split_stage(state_.plan, spec, threads), *context_};
  parallel_for(task.split.parts(), run_stage_part, &task, threads);
  return threads;
}

void Call::parallel_for(int count, ThreadPool::Task task, void* task_context, int threads) {
  if (threads > 1) {
    state_.pool.parallel_for(count, task, task_context, threads, context_->interrupt());
  } else {
    for (int index = 0; index < count; ++index) task(task_context, index, 0);
  }
}

}  // namespace sbnn
