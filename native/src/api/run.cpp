// Contexts, and running.
#include <vector>

#include "api/checks.h"
#include "api/handles.h"

using sbnn::Status;
using sbnn::api::check_count;
using sbnn::api::check_not_negative;
using sbnn::api::check_tensor;
using sbnn::api::guarded;
using sbnn::api::of;
using sbnn::api::read_inputs;
using sbnn::api::refused;

namespace {

Status read_outputs(const sbnn::Graph& graph, int64_t samples, const signbit_array* outputs,
                    std::vector<void*>* results) {
  results->clear();
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const sbnn::GraphOutput& output = graph.outputs[i];
    const sbnn::TensorSpec& tensor = graph.tensors[static_cast<size_t>(output.tensor)];
    SIGNBIT_TRY(of(output.name, check_tensor(outputs[i], tensor, samples, SIGNBIT_INT8)));
    results->push_back(outputs[i].data);
  }
  return {};
}

}  // namespace

signbit_status signbit_context_create(signbit_model* model, signbit_context** context) {
  if (model == nullptr || context == nullptr) return refused("model or context: must not be null");
  return guarded([&]() -> Status {
    *context = new signbit_context(model->engine.get());
    return {};
  });
}

void signbit_context_free(signbit_context* context) { delete context; }

signbit_status signbit_run(signbit_context* context, int64_t samples, const signbit_array* inputs,
                           size_t input_count, const signbit_array* outputs, size_t output_count) {
  if (context == nullptr || inputs == nullptr || outputs == nullptr) {
    return refused("context, inputs or outputs: must not be null");
  }
  return guarded([&] {
    return context->in_turn([&]() -> Status {
      sbnn::Engine& engine = *context->engine;
      const sbnn::Graph& graph = engine.graph();
      SIGNBIT_TRY(check_not_negative(samples));
      SIGNBIT_TRY(engine.check_batch(samples));
      SIGNBIT_TRY(read_inputs(graph, samples, inputs, input_count, &context->batch));
      SIGNBIT_TRY(check_count("output_count", output_count, graph.outputs.size()));
      SIGNBIT_TRY(read_outputs(graph, samples, outputs, &context->results));
      return engine.run(context->batch, context->results, &context->state);
    });
  });
}

void signbit_cancel(signbit_context* context) {
  if (context != nullptr) context->state.stop();
}
