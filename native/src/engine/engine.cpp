#include "signbit/engine.h"

#include <algorithm>
#include <cmath>
#include <system_error>
#include <utility>

#include "cpu/dispatch.h"
#include "cpu/system/files.h"
#include "engine/engine_state.h"
#include "format/other_size.h"
#include "run/run_images.h"

namespace sbnn {
namespace {

constexpr int kMaxThreads = 1024;
const Status& out_of_memory() {
  static const Status status(Code::kMemory, "not enough memory");
  return status;
}

// Of one sample.
double result_bytes(const Graph& graph) {
  double bytes = 0;
  for (const GraphOutput& output : graph.outputs) {
    const TensorSpec& tensor = graph.tensors[static_cast<size_t>(output.tensor)];
    const size_t each = tensor.kind == Kind::kBits ? sizeof(int8_t) : sizeof(float);
    bytes += static_cast<double>(element_count(tensor)) * static_cast<double>(each);
  }
  return bytes;
}

}  // namespace

int available_threads() { return std::min(available_cores(), kMaxThreads); }

std::vector<std::string> usable_isas() {
  std::vector<std::string> names;
  for (const KernelTable* kernels : usable_kernels()) names.emplace_back(kernels->isa);
  return names;
}

Status check_pixels(const Plan& plan, const std::string& name, const InputArray& pixels,
                    int64_t count, int64_t elements) {
  if (!pixels.is_float) return {};
  if (plan.pixels_only) {
    return {Code::kInput, name +
                              ": this model takes uint8 pixels, as it has an int16 stem or a table "
                              "of pixels"};
  }
  const float* const values = static_cast<const float*>(pixels.data);
  for (int64_t i = 0; i < count * elements; ++i) {
    if (!std::isfinite(values[i])) {
      return {Code::kInput,
              name + ": image " + std::to_string(i / elements) + " has a pixel that is not finite"};
    }
  }
  return {};
}

Status check_images(const Plan& plan, const Graph& graph, const Batch& batch) {
  for (size_t i = 0; i < batch.inputs.size(); ++i) {
    const TensorSpec& tensor = graph.tensors[i];
    if (tensor.kind != Kind::kImage || !batch.inputs[i].is_float) continue;
    SIGNBIT_TRY(check_pixels(plan, "'" + graph.inputs[i].name + "'", batch.inputs[i], batch.count,
                             element_count(tensor)));
  }
  return {};
}

Engine::Engine(std::unique_ptr<State> state) : state_(std::move(state)) {}
Engine::~Engine() = default;

Status Engine::open(const char* path, const EngineOptions& options,
                    std::unique_ptr<Engine>* engine) noexcept {
  try {
    std::vector<uint8_t> bytes;
    const std::string reason = read_file(path, &bytes);
    if (!reason.empty()) return Status(Code::kModelFile, reason).within(path);
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
    for (const auto& [name, limit] : {std::make_pair("max_bytes", options.max_bytes),
                                      std::make_pair("max_operations", options.max_operations)}) {
      if (limit >= 1 && limit <= kMostLimit) continue;
      return {Code::kInput, std::string(name) + ": must be 1 to 2^62, is " + std::to_string(limit)};
    }
    const KernelTable* kernels = nullptr;
    SIGNBIT_TRY(choose_kernels(options.isa, &kernels));
    Graph graph;
    SIGNBIT_TRY(read_at_size(data, size, options.input_size, &graph));
    const int threads = options.threads == 0 ? available_threads() : options.threads;
    auto state = std::make_unique<State>(std::move(graph), threads, options);
    plan_layout(state->fused, *kernels, &state->plan);
    const bool resized = options.input_size.y != 0 || options.input_size.x != 0;
    state->limits = limits_of(options.max_bytes, options.max_operations, size, resized);
    state->most_samples = static_cast<int64_t>(state->limits.bytes / result_bytes(state->graph));
    SIGNBIT_TRY(check_limits(state->fused, state->plan, state->limits, &state->estimate));
    plan_nodes(state->fused, &state->plan);
    state->nodes = describe_nodes(state->graph, state->plan);
    state->graph.constants.clear();  // their bytes are the caller's
    state->fused.constants.clear();
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
const std::vector<NodeInfo>& Engine::nodes() const { return state_->nodes; }

int64_t Engine::most_samples() const { return state_->most_samples; }

Status Engine::check_batch(int64_t count) const {
  if (count <= state_->most_samples) return {};
  const double bytes = result_bytes(state_->graph) * static_cast<double>(count);
  return {Code::kInput, exceeds("the results of " + std::to_string(count) + " samples take", bytes,
                                state_->limits.bytes) +
                            ", or run fewer at a time"};
}

Status Engine::run(const Batch& batch, const std::vector<void*>& outputs,
                   const CallState* call_state) noexcept {
  try {
    State& state = *state_;
    SIGNBIT_TRY(check_batch(batch.count));
    SIGNBIT_TRY(check_images(state.plan, state.graph, batch));
    Call call(&state, batch.count == 1 && state.sharing.image_runs_alone(), call_state);
    call.context().prepare(call.workers(), 1);
    const BatchRun run{batch, outputs};
    int64_t done = 0;
    for (; done < batch.count && call.times_images(); ++done) {
      time_image(&call, run, done);
      SIGNBIT_TRY(call.status());
    }
    if (done == batch.count) return {};
    // Whole images keep every worker busy without barriers; what is left is shared node by node.
    const int together = call.images_at_once(batch.count - done);
    if (together > 0) {
      const int64_t whole = (batch.count - done) / together * together;
      run_whole_images(&call, run, {done, done + whole}, together);
      SIGNBIT_TRY(call.status());
      done += whole;
    }
    for (; done < batch.count; ++done) {
      run_image(&call, run, done);
      SIGNBIT_TRY(call.status());
    }
    return {};
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  }
}

}  // namespace sbnn
