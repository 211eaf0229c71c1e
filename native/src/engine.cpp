#include "signbit/engine.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "batch_head.h"
#include "dispatch.h"
#include "engine_state.h"

namespace sbnn {
namespace {

constexpr int kMaxThreads = 1024;
const Status& out_of_memory() {
  static const Status status(Code::kMemory, "not enough memory");
  return status;
}

// The whole file, or the reason why not.
Status read_file(const char* path, std::vector<uint8_t>* bytes) {
  const auto refuse = [&] { return Status(Code::kModelFile, std::strerror(errno)); };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "rb"), std::fclose);
  if (file == nullptr) return refuse();
  if (std::fseek(file.get(), 0, SEEK_END) != 0) return refuse();
  const long size = std::ftell(file.get());
  if (size < 0 || std::fseek(file.get(), 0, SEEK_SET) != 0) return refuse();
  if (size == LONG_MAX) {
    errno = EISDIR;  // what seeking to the end of a folder yields
    return refuse();
  }
  bytes->resize(static_cast<size_t>(size));
  bytes->resize(std::fread(bytes->data(), 1, bytes->size(), file.get()));
  return std::ferror(file.get()) != 0 ? refuse() : Status();
}

// Several images at a time, each by one worker in the arena of its number.
struct BatchTask {
  const Plan* plan;
  Context* context;
  const Images* images;
  int64_t first;
  int64_t image_elements;
  int output;
  int64_t output_elements;
  float* results;
};

void copy_output(const Frame& frame, int tensor, int64_t elements, float* result) {
  std::memcpy(result, frame.tensor(tensor), static_cast<size_t>(elements) * sizeof(float));
}

void run_image(void* context, int index, int worker) {
  const BatchTask& task = *static_cast<BatchTask*>(context);
  const int64_t image = task.first + index;
  Frame frame = task.context->frame(worker);
  frame.image = image_at(*task.images, task.image_elements, image);
  frame.image_is_float = task.images->is_float;
  const std::vector<Step>& steps = task.plan->steps;
  const size_t alone = steps.size() - (task.plan->batch_head ? 1 : 0);
  for (size_t i = 0; i < alone; ++i) {
    run_step(*task.plan, steps[i], frame, Split(), 0, task.context->scratch(worker));
  }
  if (task.plan->batch_head) {
    copy_output(frame, task.plan->nodes.back().node->input, task.context->head_channels(),
                task.context->head_input(index));
  } else {
    copy_output(frame, task.output, task.output_elements,
                task.results + image * task.output_elements);
  }
}

// The head of all images of a BatchTask, cut into as many parts as there are workers.
struct HeadTask {
  const BatchTask* batch;
  int64_t images;
  int parts;
};

void run_head_part(void* context, int index, int worker) {
  const HeadTask& task = *static_cast<HeadTask*>(context);
  const BatchTask& batch = *task.batch;
  const auto chunks = static_cast<int64_t>(batch.plan->nodes.back().chunks.size());
  run_head(*batch.plan, batch.context->head_input(0), task.images,
           {chunks * index / task.parts, chunks * (index + 1) / task.parts},
           batch.results + batch.first * batch.output_elements, batch.context->scratch(worker));
}

// One node or step of one image, cut for all workers.
struct NodeTask {
  const Plan* plan;
  const NodePlan* node;
  const Frame* frame;
  Split split;
  Context* context;
};

void run_part(void* context, int index, int worker) {
  const NodeTask& task = *static_cast<NodeTask*>(context);
  run_node(*task.plan, *task.node, *task.frame, task.split, index, task.context->scratch(worker));
}

struct StepTask {
  const Plan* plan;
  const Step* step;
  const Frame* frame;
  Split split;
  Context* context;
};

void run_step_part(void* context, int index, int worker) {
  const StepTask& task = *static_cast<StepTask*>(context);
  run_step(*task.plan, *task.step, *task.frame, task.split, index, task.context->scratch(worker));
}

}  // namespace

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::clamp(CPU_COUNT(&set), 1, kMaxThreads);
}

std::vector<std::string> usable_isas() {
  std::vector<std::string> names;
  for (const KernelTable* kernels : usable_kernels()) names.emplace_back(kernels->isa);
  return names;
}

void run_node_on(Call* call, const Plan& plan, const NodePlan& node, const Frame& frame) {
  NodeTask task{&plan, &node, &frame, split_node(node, call->workers()), &call->context()};
  call->parallel_for(task.split.parts(), run_part, &task);
}

void run_step_on(Call* call, const Plan& plan, const Step& step, const Frame& frame) {
  StepTask task{&plan, &step, &frame, split_step(plan, step, call->workers()), &call->context()};
  call->parallel_for(task.split.parts(), run_step_part, &task);
}

Status check_pixels(const Plan& plan, const Images& images, int64_t elements) {
  if (!images.is_float) return {};
  if (plan.pixels_only) {
    return {Code::kInput, "images: this model's stem is int16 and takes uint8 pixels"};
  }
  const float* const pixels = static_cast<const float*>(images.data);
  for (int64_t i = 0; i < images.count * elements; ++i) {
    if (!std::isfinite(pixels[i])) {
      return {Code::kInput,
              "images: image " + std::to_string(i / elements) + " has a pixel that is not finite"};
    }
  }
  return {};
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Status Engine::open(const char* path, const EngineOptions& options,
                    std::unique_ptr<Engine>* engine) noexcept {
  try {
    std::vector<uint8_t> bytes;
    SIGNBIT_TRY(read_file(path, &bytes).within(path));
    const Status status = load(bytes.data(), bytes.size(), options, engine);
    const bool of_file = status.code() == Code::kModelFile || status.code() == Code::kModelVersion;
    return of_file ? status.within(path) : status;
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

Status Engine::load(const uint8_t* data, size_t size, const EngineOptions& options,
                    std::unique_ptr<Engine>* engine) noexcept {
  try {
    if (options.threads < 0 || options.threads > kMaxThreads) {
      return {Code::kInput, "threads: must be 1 to " + std::to_string(kMaxThreads) + ", is " +
                                std::to_string(options.threads)};
    }
    const KernelTable* kernels = nullptr;
    SIGNBIT_TRY(choose_kernels(options.isa, &kernels));
    Graph graph;
    SIGNBIT_TRY(read_model(data, size, &graph));
    const int threads = options.threads == 0 ? available_threads() : options.threads;
    auto state = std::make_unique<State>(std::move(graph), threads);
    SIGNBIT_TRY(make_plan(state->graph, *kernels, &state->plan));
    state->graph.constants.clear();  // their bytes are the caller's
    const TensorSpec& image = state->graph.tensors[static_cast<size_t>(state->graph.input)];
    const TensorSpec& output = state->graph.tensors[static_cast<size_t>(state->graph.output)];
    state->image_elements = image.height * image.width * image.channels;
    state->output_elements = output.height * output.width * output.channels;
    engine->reset(new Engine(std::move(state)));
    return {};
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::system_error& error) {
    return {Code::kMemory, std::string("cannot start threads: ") + error.what()};
  }
}

const Graph& Engine::graph() const { return state_->graph; }
const char* Engine::isa() const { return state_->plan.kernels->isa; }
int Engine::threads() const { return state_->pool.threads(); }

Status Engine::run(const Images& images, float* output) noexcept {
  try {
    State& state = *state_;
    SIGNBIT_TRY(check_pixels(state.plan, images, state.image_elements));
    Call call(&state.pool, &state.contexts);
    const int workers = call.workers();
    // Whole images keep every worker busy without barriers; what is left is shared node by node.
    const int64_t whole = workers == 1 ? images.count : images.count / workers * workers;
    // Of a batch with a head, so many at a time that the head takes them together.
    const int64_t together = state.plan.batch_head ? kHeadImages : ThreadPool::kMaxCount;
    const int64_t most = std::max<int64_t>(together / workers, 1) * workers;
    call.context().prepare(workers, whole > 0 ? workers : 1,
                           state.plan.batch_head ? std::min(most, whole) : 0);
    BatchTask batch{&state.plan,        &call.context(),       &images, 0, state.image_elements,
                    state.graph.output, state.output_elements, output};
    for (; batch.first < whole; batch.first += most) {
      HeadTask head{&batch, std::min(most, whole - batch.first), workers};
      call.parallel_for(static_cast<int>(head.images), run_image, &batch);
      if (state.plan.batch_head) call.parallel_for(head.parts, run_head_part, &head);
    }
    for (int64_t image = whole; image < images.count; ++image) {
      Frame frame = call.context().frame(0);
      frame.image = image_at(images, state.image_elements, image);
      frame.image_is_float = images.is_float;
      for (const Step& step : state.plan.steps) run_step_on(&call, state.plan, step, frame);
      copy_output(frame, state.graph.output, state.output_elements,
                  output + image * state.output_elements);
    }
    return {};
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

}  // namespace sbnn
