// What a model takes and gives.
#include <string>

#include "api/checks.h"
#include "api/handles.h"
#include "api/internal.h"

using sbnn::Status;
using sbnn::api::check_index;
using sbnn::api::check_struct;
using sbnn::api::guarded;

namespace {

void describe(const char* name, const sbnn::TensorSpec& spec, size_t classes,
              signbit_tensor* tensor) {
  tensor->name = name;
  tensor->height = spec.height;
  tensor->width = spec.width;
  tensor->channels = spec.channels;
  tensor->classes = classes;
  tensor->kind = spec.kind == sbnn::Kind::kImage  ? SIGNBIT_IMAGE
                 : spec.kind == sbnn::Kind::kReal ? SIGNBIT_REALS
                                                  : SIGNBIT_SIGNS;
}

}  // namespace

const char* signbit_model_isa(const signbit_model* model) { return model->engine->isa(); }

int32_t signbit_model_threads(const signbit_model* model) { return model->engine->threads(); }

const char* signbit_model_json(const signbit_model* model) {
  return model->engine->graph().json.c_str();
}

size_t signbit_input_count(const signbit_model* model) {
  return model->engine->graph().inputs.size();
}

size_t signbit_output_count(const signbit_model* model) {
  return model->engine->graph().outputs.size();
}

size_t signbit_tensor_count(const signbit_model* model) {
  return model->engine->graph().tensors.size();
}

signbit_status signbit_input(const signbit_model* model, size_t index, signbit_tensor* tensor) {
  return guarded([&]() -> Status {
    SIGNBIT_TRY(check_struct(model, tensor, "tensor"));
    const sbnn::Graph& graph = model->engine->graph();
    SIGNBIT_TRY(check_index("index", index, graph.inputs.size()));
    describe(graph.inputs[index].name.c_str(), graph.tensors[index], 0, tensor);
    return {};
  });
}

signbit_status signbit_output(const signbit_model* model, size_t index, signbit_tensor* tensor) {
  return guarded([&]() -> Status {
    SIGNBIT_TRY(check_struct(model, tensor, "tensor"));
    const sbnn::Graph& graph = model->engine->graph();
    SIGNBIT_TRY(check_index("index", index, graph.outputs.size()));
    const sbnn::GraphOutput& output = graph.outputs[index];
    describe(output.name.c_str(), graph.tensors[static_cast<size_t>(output.tensor)],
             output.classes.size(), tensor);
    return {};
  });
}

signbit_status signbit_graph_tensor(const signbit_model* model, size_t number,
                                    signbit_tensor* tensor) {
  return guarded([&]() -> Status {
    SIGNBIT_TRY(check_struct(model, tensor, "tensor"));
    const sbnn::Graph& graph = model->engine->graph();
    SIGNBIT_TRY(check_index("number", number, graph.tensors.size()));
    const bool is_input = number < graph.inputs.size();
    describe(is_input ? graph.inputs[number].name.c_str() : "", graph.tensors[number], 0, tensor);
    return {};
  });
}

const char* signbit_class_name(const signbit_model* model, size_t output, size_t index) {
  const auto& outputs = model->engine->graph().outputs;
  if (output >= outputs.size() || index >= outputs[output].classes.size()) return nullptr;
  return outputs[output].classes[index].c_str();
}

signbit_status signbit_model_sizes(const signbit_model* model, signbit_sizes* sizes) {
  return guarded([&]() -> Status {
    SIGNBIT_TRY(check_struct(model, sizes, "sizes"));
    const sbnn::EngineSize found = model->engine->size();
    sizes->constant_bytes = static_cast<int64_t>(found.held.constants);
    sizes->tensor_bytes = static_cast<int64_t>(found.held.arena);
    sizes->scratch_bytes = static_cast<int64_t>(found.held.scratch);
    sizes->operations = static_cast<int64_t>(found.operations);
    sizes->most_samples = model->engine->most_samples();
    return {};
  });
}

signbit_status signbit_check_samples(const signbit_model* model, int64_t samples) {
  return guarded([&]() -> Status {
    if (model == nullptr) return sbnn::api::wrong("model: must not be null");
    SIGNBIT_TRY(sbnn::api::check_not_negative(samples));
    return model->engine->check_batch(samples);
  });
}

sbnn::EngineSize sbnn::api::size_of(const signbit_model& model) { return model.engine->size(); }
