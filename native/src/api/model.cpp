// What a model takes and gives.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "api/checks.h"
#include "api/handles.h"
#include "api/internal.h"

using sbnn::Status;
using sbnn::api::check_index;
using sbnn::api::check_struct;
using sbnn::api::guarded;

namespace {

// Its size before it had a confidence.
constexpr size_t kFirstTensor = offsetof(signbit_tensor, temperature);

void set_confidence(float temperature, float least_probability, signbit_tensor* tensor) {
  if (tensor->size < sizeof(signbit_tensor)) return;
  tensor->temperature = temperature;
  tensor->least_probability = least_probability;
}

void describe(const char* name, const sbnn::TensorSpec& spec, signbit_tensor* tensor) {
  tensor->name = name;
  tensor->height = spec.height;
  tensor->width = spec.width;
  tensor->channels = spec.channels;
  tensor->classes = 0;
  set_confidence(1, 0, tensor);
  tensor->kind = spec.kind == sbnn::Kind::kImage  ? SIGNBIT_IMAGE
                 : spec.kind == sbnn::Kind::kReal ? SIGNBIT_REALS
                                                  : SIGNBIT_SIGNS;
}

// Of some scores, in double; their probabilities may take their place.
void softmax(const float* scores, int64_t count, double temperature, float* probabilities) {
  double most = scores[0];
  for (int64_t i = 1; i < count; ++i) most = std::max<double>(most, scores[i]);
  const auto share = [&](int64_t i) { return std::exp((scores[i] - most) / temperature); };
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += share(i);
  for (int64_t i = 0; i < count; ++i) probabilities[i] = static_cast<float>(share(i) / sum);
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
    SIGNBIT_TRY(check_struct(model, tensor, "tensor", kFirstTensor));
    const sbnn::Graph& graph = model->engine->graph();
    SIGNBIT_TRY(check_index("index", index, graph.inputs.size()));
    describe(graph.inputs[index].name.c_str(), graph.tensors[index], tensor);
    return {};
  });
}

signbit_status signbit_output(const signbit_model* model, size_t index, signbit_tensor* tensor) {
  return guarded([&]() -> Status {
    SIGNBIT_TRY(check_struct(model, tensor, "tensor", kFirstTensor));
    const sbnn::Graph& graph = model->engine->graph();
    SIGNBIT_TRY(check_index("index", index, graph.outputs.size()));
    const sbnn::GraphOutput& output = graph.outputs[index];
    describe(output.name.c_str(), graph.tensors[static_cast<size_t>(output.tensor)], tensor);
    tensor->classes = output.classes.size();
    set_confidence(output.temperature, output.least_probability, tensor);
    return {};
  });
}

signbit_status signbit_graph_tensor(const signbit_model* model, size_t number,
                                    signbit_tensor* tensor) {
  return guarded([&]() -> Status {
    SIGNBIT_TRY(check_struct(model, tensor, "tensor", kFirstTensor));
    const sbnn::Graph& graph = model->engine->graph();
    SIGNBIT_TRY(check_index("number", number, graph.tensors.size()));
    const bool is_input = number < graph.inputs.size();
    describe(is_input ? graph.inputs[number].name.c_str() : "", graph.tensors[number], tensor);
    return {};
  });
}

const char* signbit_class_name(const signbit_model* model, size_t output, size_t index) {
  const auto& outputs = model->engine->graph().outputs;
  if (output >= outputs.size() || index >= outputs[output].classes.size()) return nullptr;
  return outputs[output].classes[index].c_str();
}

signbit_status signbit_probabilities(const signbit_model* model, size_t output, int64_t samples,
                                     const float* scores, float* probabilities) {
  return guarded([&]() -> Status {
    if (model == nullptr || (samples > 0 && (scores == nullptr || probabilities == nullptr))) {
      return sbnn::api::wrong("model, scores or probabilities: must not be null");
    }
    SIGNBIT_TRY(sbnn::api::check_not_negative(samples));
    const sbnn::Graph& graph = model->engine->graph();
    SIGNBIT_TRY(check_index("output", output, graph.outputs.size()));
    const sbnn::TensorSpec& of = graph.tensors[static_cast<size_t>(graph.outputs[output].tensor)];
    if (of.kind != sbnn::Kind::kReal || of.height != 1 || of.width != 1) {
      return sbnn::api::wrong("output: must be a vector of reals");
    }
    const double temperature = graph.outputs[output].temperature;
    for (int64_t sample = 0; sample < samples; ++sample) {
      const int64_t first = sample * of.channels;
      softmax(scores + first, of.channels, temperature, probabilities + first);
    }
    return {};
  });
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
