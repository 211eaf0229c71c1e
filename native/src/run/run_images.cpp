#include "run/run_images.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "run/batch_head.h"

namespace sbnn {
namespace {

Frame frame_of(Call* call, const ImageRun& run, int64_t image, int arena) {
  Frame frame = call->context().frame(arena);
  frame.image = image_at(run.images, run.image_elements, image);
  frame.image_is_float = run.images.is_float;
  return frame;
}

void copy_output(const Frame& frame, int tensor, int64_t elements, float* result) {
  std::memcpy(result, frame.tensor(tensor), static_cast<size_t>(elements) * sizeof(float));
}

void copy_result(Call* call, const ImageRun& run, const Frame& frame, int64_t image) {
  copy_output(frame, call->state().graph.output, run.output_elements,
              run.output + image * run.output_elements);
}

// Several images at a time, each by one worker in the arena of its number.
struct BatchTask {
  Call* call;
  const ImageRun* run;
  int64_t first = 0, images = 0;
  int head_parts = 1;
};

void run_batch_image(void* context, int index, int worker) {
  const BatchTask& task = *static_cast<BatchTask*>(context);
  const Plan& plan = task.call->state().plan;
  const int64_t image = task.first + index;
  const Frame frame = frame_of(task.call, *task.run, image, worker);
  Context& memory = task.call->context();
  const size_t alone = plan.stages.size() - (plan.batch_head ? 1 : 0);
  for (size_t i = 0; i < alone; ++i) {
    run_stage(plan, plan.stages[i], frame, Split(), 0, memory.scratch(worker));
  }
  if (plan.batch_head) {
    copy_output(frame, plan.nodes.back().node->input, memory.head_channels(),
                memory.head_input(index));
  } else {
    copy_result(task.call, *task.run, frame, image);
  }
}

void run_head_part(void* context, int index, int worker) {
  const BatchTask& task = *static_cast<BatchTask*>(context);
  const Plan& plan = task.call->state().plan;
  Context& memory = task.call->context();
  const auto chunks = static_cast<int64_t>(plan.nodes.back().chunks.size());
  run_head(plan, memory.head_input(0), task.images,
           {chunks * index / task.head_parts, chunks * (index + 1) / task.head_parts},
           task.run->output + task.first * task.run->output_elements, memory.scratch(worker));
}

}  // namespace

void time_image(Call* call, const ImageRun& run, int64_t image) {
  const Frame frame = frame_of(call, run, image, 0);
  call->state().sharing.time_image(frame, call->context().scratch(0));
  copy_result(call, run, frame, image);
}

void run_image(Call* call, const ImageRun& run, int64_t image) {
  const Frame frame = frame_of(call, run, image, 0);
  Sharing& sharing = call->state().sharing;
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < call->state().plan.stages.size(); ++i) call->run_stage(i, frame);
  if (sharing.is_on_trial(call->workers())) {
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    sharing.judge(call->workers(), took.count());
  }
  copy_result(call, run, frame, image);
}

void run_whole_images(Call* call, const ImageRun& run, const Range& which, int workers) {
  const bool head = call->state().plan.batch_head;
  // Of a batch with a head, so many at a time that the head takes them together.
  const int64_t together = head ? kHeadImages : ThreadPool::kMaxCount;
  const int64_t most = std::max<int64_t>(together / workers, 1) * workers;
  call->context().prepare(workers, workers, head ? std::min(most, which.end - which.begin) : 0);
  BatchTask task{call, &run};
  task.head_parts = workers;
  for (task.first = which.begin; task.first < which.end; task.first += most) {
    task.images = std::min(most, which.end - task.first);
    call->parallel_for(static_cast<int>(task.images), run_batch_image, &task, workers);
    if (head) call->parallel_for(task.head_parts, run_head_part, &task, workers);
  }
}

}  // namespace sbnn
