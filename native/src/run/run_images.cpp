#include "run/run_images.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "run/batch_head.h"

namespace sbnn {
namespace {

// A tensor's signs as -1 and +1.
void unpack_signs(const TensorLayout& layout, const uint8_t* tensor, int8_t* signs) {
  for (int64_t y = 0; y < layout.height; ++y) {
    for (int64_t x = 0; x < layout.width; ++x, signs += layout.channels) {
      layout.bits.unpack(tensor + layout.at(y, x), 0, layout.channels, signs);
    }
  }
}

Frame frame_of(Call* call, const BatchRun& run, int64_t image, int arena) {
  Frame frame = call->context().frame(arena);
  start_sample(call->state().plan, run.batch, image, &frame);
  return frame;
}

void copy_result(Call* call, const BatchRun& run, const Frame& frame, int64_t image) {
  const auto& state = call->state();
  for (size_t i = 0; i < run.outputs.size(); ++i) {
    const int tensor = state.graph.outputs[i].tensor;
    const TensorLayout& layout = state.plan.tensors[static_cast<size_t>(tensor)];
    const int64_t elements = layout.pixels() * layout.channels;
    if (layout.kind == Kind::kReal) {
      std::memcpy(static_cast<float*>(run.outputs[i]) + image * elements, frame.tensor(tensor),
                  static_cast<size_t>(elements) * sizeof(float));
    } else {
      unpack_signs(layout, frame.tensor(tensor),
                   static_cast<int8_t*>(run.outputs[i]) + image * elements);
    }
  }
}

// Several images at a time, each by one worker in the arena of its number.
struct BatchTask {
  Call* call;
  const BatchRun* run;
  int64_t first = 0, images = 0;
  int head_parts = 1;
};

void run_batch_image(void* context, int index, int worker) {
  const BatchTask& task = *static_cast<BatchTask*>(context);
  const Plan& plan = task.call->state().plan;
  const int64_t image = task.first + index;
  Context& memory = task.call->context();
  if (memory.interrupt()->is_set()) return;
  const Frame frame = frame_of(task.call, *task.run, image, worker);
  const size_t alone = plan.stages.size() - (plan.batch_head ? 1 : 0);
  for (size_t i = 0; i < alone; ++i) {
    run_stage(plan, plan.stages[i], frame, Split(), 0, memory.scratch(worker));
  }
  if (plan.batch_head) {
    std::memcpy(memory.head_input(index), frame.tensor(plan.nodes.back().node->input),
                static_cast<size_t>(memory.head_channels()) * sizeof(float));
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
           static_cast<float*>(task.run->outputs[0]) + task.first * plan.nodes.back().channels,
           memory.scratch(worker));
}

}  // namespace

void look_up(const Plan& plan, int input, const InputArray& pixels, int64_t sample, Frame* frame) {
  const auto i = static_cast<size_t>(input);
  const uint8_t* const table = plan.tables[i].data();
  if (table == nullptr) return;
  const int64_t channels = plan.tensors[i].channels;
  const int64_t elements = plan.tensors[i].pixels() * channels;
  const auto* from = static_cast<const uint8_t*>(sample_of(pixels, elements, sample).data);
  uint8_t* const to = frame->tensor(input);
  for (int64_t pixel = 0; pixel < elements; pixel += channels) {
    for (int64_t c = 0; c < channels; ++c) {
      to[pixel + c] = table[c * kPixelValues + from[pixel + c]];
    }
  }
}

void start_sample(const Plan& plan, const Batch& batch, int64_t sample, Frame* frame) {
  frame->inputs = batch.inputs.data();
  frame->sample = sample;
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const TensorLayout& tensor = plan.tensors[i];
    const int input = static_cast<int>(i);
    if (tensor.kind != Kind::kReal) {
      look_up(plan, input, batch.inputs[i], sample, frame);
      continue;
    }
    const int64_t elements = tensor.pixels() * tensor.channels;
    std::memcpy(frame->tensor(input), sample_of(batch.inputs[i], elements, sample).data,
                static_cast<size_t>(elements) * sizeof(float));
  }
}

void time_image(Call* call, const BatchRun& run, int64_t image) {
  const Frame frame = frame_of(call, run, image, 0);
  call->state().sharing.time_image(frame, call->context().scratch(0));
  copy_result(call, run, frame, image);
}

void run_image(Call* call, const BatchRun& run, int64_t image) {
  const Frame frame = frame_of(call, run, image, 0);
  Sharing& sharing = call->state().sharing;
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < call->state().plan.stages.size(); ++i) call->run_stage(i, frame);
  if (!call->status().ok()) return;
  if (sharing.is_on_trial(call->workers())) {
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    sharing.judge(call->workers(), took.count());
  }
  copy_result(call, run, frame, image);
}

void run_whole_images(Call* call, const BatchRun& run, const Range& which, int workers) {
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
    if (!call->status().ok()) return;
    if (head) call->parallel_for(task.head_parts, run_head_part, &task, workers);
  }
}

}  // namespace sbnn
