// The time of each node.

#include <algorithm>
#include <chrono>

#include "cpu/core_limit.h"
#include "engine/engine_state.h"
#include "run/run_images.h"

namespace sbnn {
namespace {

// One sample whose inputs are all 0.
struct ZeroBatch {
  explicit ZeroBatch(const Graph& graph) {
    batch.count = 1;
    for (size_t i = 0; i < graph.inputs.size(); ++i) {
      const TensorSpec& tensor = graph.tensors[i];
      arrays.emplace_back(static_cast<size_t>(element_count(tensor)));
      batch.inputs.push_back({arrays.back().data(), tensor.kind == Kind::kReal});
    }
  }

  std::vector<AlignedArray<float>> arrays;
  Batch batch;
};

double median(std::vector<double>* values) {
  const auto middle = values->begin() + static_cast<std::ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

}  // namespace

Status Engine::time_nodes(const Batch& batch, int runs, std::vector<NodeTime>* times,
                          const CallState* call_state) noexcept {
  try {
    State& state = *state_;
    SIGNBIT_TRY(check_images(state.plan, state.graph, batch));
    const ZeroBatch zeros(state.graph);
    const Batch& timed = batch.count > 0 ? batch : zeros.batch;
    std::vector<std::vector<double>> samples(state.plan.nodes.size());
    std::vector<int> threads(samples.size(), 1);
    Call call(&state, false, call_state);
    call.context().prepare(call.workers(), 1);
    const auto frame_of = [&](int64_t image) {
      Frame frame = call.context().frame(0);
      start_sample(state.plan, timed, image, &frame);
      return frame;
    };
    for (int64_t image = 0; call.times_images(); image = (image + 1) % timed.count) {
      state.sharing.time_image(frame_of(image), call.context().scratch(0));
      SIGNBIT_TRY(call.status());
    }
    for (int run = 0; run < runs; ++run) {
      for (int64_t image = 0; image < timed.count; ++image) {
        const Frame frame = frame_of(image);
        for (size_t i = 0; i < state.plan.stages.size(); ++i) {
          const Stage& stage = state.plan.stages[i];
          const auto start = std::chrono::steady_clock::now();
          const int used = call.run_stage(i, frame);
          const std::chrono::duration<double, std::milli> took =
              std::chrono::steady_clock::now() - start;
          SIGNBIT_TRY(call.status());
          // Nodes that run in turns share the time as they did in the calling thread.
          double share = 0;
          if (stage.producer != kNone) {
            share = call.context().scratch(0)->producer_share;
            samples[static_cast<size_t>(stage.producer)].push_back(took.count() * share);
            threads[static_cast<size_t>(stage.producer)] = used;
          }
          threads[static_cast<size_t>(stage.node)] = used;
          samples[static_cast<size_t>(stage.node)].push_back(took.count() * (1 - share));
        }
      }
    }
    // Threads that share a core share its limit.
    const int cores = available_threads();
    times->clear();
    for (size_t i = 0; i < samples.size(); ++i) {
      const double limit = core_limit(*state.plan.kernels, state.plan.nodes[i].kernel);
      times->push_back({median(&samples[i]), threads[i], std::min(threads[i], cores) * limit});
    }
    return {};
  } catch (const std::bad_alloc&) {
    return {Code::kMemory, "not enough memory"};
  }
}

}  // namespace sbnn
