// Contexts, and running.
#include <string>
#include <vector>

#include "api/failure.h"
#include "api/handles.h"

using sbnn::Kind;
using sbnn::Status;
using sbnn::TensorSpec;
using sbnn::api::guarded;
using sbnn::api::refused;
using sbnn::api::wrong;

namespace {

int64_t bytes_of(signbit_type type) { return type == SIGNBIT_FLOAT32 ? 4 : 1; }

// An array of so many samples of a tensor, of a type that the tensor has.
Status check_array(const signbit_array& array, const std::string& name, const TensorSpec& tensor,
                   int64_t samples) {
  const bool is_real = tensor.kind == Kind::kReal;
  const bool matches = tensor.kind == Kind::kImage
                           ? array.type == SIGNBIT_UINT8 || array.type == SIGNBIT_FLOAT32
                           : array.type == (is_real ? SIGNBIT_FLOAT32 : SIGNBIT_INT8);
  if (!matches) {
    return wrong("'" + name + "': type must be " +
                 (tensor.kind == Kind::kImage ? "SIGNBIT_UINT8 or SIGNBIT_FLOAT32"
                  : is_real                   ? "SIGNBIT_FLOAT32"
                                              : "SIGNBIT_INT8"));
  }
  const int64_t bytes = samples * element_count(tensor) * bytes_of(array.type);
  if (array.bytes != static_cast<size_t>(bytes)) {
    return wrong("'" + name + "': bytes must be " + std::to_string(bytes) + ", is " +
                 std::to_string(array.bytes));
  }
  return array.data == nullptr && bytes > 0 ? wrong("'" + name + "': data must not be null")
                                            : Status();
}

Status check_count(const char* what, size_t given, size_t wanted) {
  return given == wanted ? Status()
                         : wrong(std::string(what) + ": must be " + std::to_string(wanted) +
                                 ", is " + std::to_string(given));
}

Status read_arrays(const sbnn::Engine& engine, int64_t samples, const signbit_array* inputs,
                   const signbit_array* outputs, sbnn::Batch* batch, std::vector<void*>* results) {
  const sbnn::Graph& graph = engine.graph();
  batch->count = samples;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    SIGNBIT_TRY(check_array(inputs[i], graph.inputs[i].name, graph.tensors[i], samples));
    batch->inputs.push_back({inputs[i].data, inputs[i].type == SIGNBIT_FLOAT32});
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const sbnn::GraphOutput& output = graph.outputs[i];
    const TensorSpec& tensor = graph.tensors[static_cast<size_t>(output.tensor)];
    SIGNBIT_TRY(check_array(outputs[i], output.name, tensor, samples));
    results->push_back(outputs[i].data);
  }
  return {};
}

// Keeps a context for one call.
class Turn {
 public:
  explicit Turn(sbnn::CallState* state) : state_(state), is_ours_(state->begin()) {}
  ~Turn() {
    if (is_ours_) state_->end();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  bool is_ours() const { return is_ours_; }

 private:
  sbnn::CallState* state_;
  bool is_ours_;
};

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
  return guarded([&]() -> Status {
    sbnn::Engine& engine = *context->engine;
    SIGNBIT_TRY(check_count("input_count", input_count, engine.graph().inputs.size()));
    SIGNBIT_TRY(check_count("output_count", output_count, engine.graph().outputs.size()));
    if (samples < 0) return wrong("samples: must not be negative");
    SIGNBIT_TRY(engine.check_batch(samples));
    sbnn::Batch batch;
    std::vector<void*> results;
    SIGNBIT_TRY(read_arrays(engine, samples, inputs, outputs, &batch, &results));
    const Turn turn(&context->state);
    if (!turn.is_ours()) return wrong("context: another call is under way; use one per thread");
    return engine.run(batch, results, &context->state);
  });
}

void signbit_cancel(signbit_context* context) {
  if (context != nullptr) context->state.stop();
}
