// Loading a model, and what it takes and gives.
#include <cstring>
#include <string>
#include <utility>

#include "api/failure.h"
#include "api/handles.h"

using sbnn::Engine;
using sbnn::EngineOptions;
using sbnn::Status;
using sbnn::api::guarded;
using sbnn::api::refused;
using sbnn::api::wrong;

namespace {

// The engine's options of a caller's, which may be null.
Status read_options(const signbit_options* options, EngineOptions* result) {
  if (options == nullptr) return {};
  if (options->size < sizeof(signbit_options)) {
    return wrong("options.size: must be sizeof(signbit_options)");
  }
  if (options->height < 0 || options->width < 0 ||
      (options->height == 0) != (options->width == 0)) {
    return wrong("options.height and width: must be both positive, or both 0");
  }
  result->threads = options->threads;
  if (options->isa != nullptr) result->isa = options->isa;
  result->input_size = {options->height, options->width};
  if (options->max_bytes != 0) result->max_bytes = options->max_bytes;
  if (options->max_operations != 0) result->max_operations = options->max_operations;
  return {};
}

// `load` makes an engine of options; the model is the caller's.
template <typename Load>
signbit_status load_model(const signbit_options* options, signbit_model** model, Load load) {
  if (model == nullptr) return refused("model: must not be null");
  return guarded([&]() -> Status {
    EngineOptions engine_options;
    SIGNBIT_TRY(read_options(options, &engine_options));
    auto loaded = std::make_unique<signbit_model>();
    SIGNBIT_TRY(load(engine_options, &loaded->engine));
    *model = loaded.release();
    return {};
  });
}

void describe(const std::string& name, const sbnn::TensorSpec& spec, size_t classes,
              signbit_tensor* tensor) {
  tensor->name = name.c_str();
  tensor->height = spec.height;
  tensor->width = spec.width;
  tensor->channels = spec.channels;
  tensor->classes = classes;
  tensor->kind = spec.kind == sbnn::Kind::kImage  ? SIGNBIT_IMAGE
                 : spec.kind == sbnn::Kind::kReal ? SIGNBIT_REALS
                                                  : SIGNBIT_SIGNS;
}

// An argument that names one of `count` things of a model, and a struct to fill.
template <typename T>
signbit_status check_place(const signbit_model* model, const T* result, size_t index,
                           size_t count) {
  if (model == nullptr || result == nullptr) return refused("model or tensor: must not be null");
  if (result->size < sizeof(T)) return refused("tensor.size: must be sizeof(signbit_tensor)");
  if (index < count) return SIGNBIT_OK;
  return refused("index: must be below " + std::to_string(count) + ", is " + std::to_string(index));
}

}  // namespace

signbit_status signbit_load_file(const char* path, const signbit_options* options,
                                 signbit_model** model) {
  if (path == nullptr) return refused("path: must not be null");
  return load_model(options, model,
                    [&](const EngineOptions& read, std::unique_ptr<Engine>* engine) {
                      return Engine::open(path, read, engine);
                    });
}

signbit_status signbit_load_memory(const void* data, size_t bytes, const signbit_options* options,
                                   signbit_model** model) {
  if (data == nullptr) return refused("data: must not be null");
  return load_model(options, model,
                    [&](const EngineOptions& read, std::unique_ptr<Engine>* engine) {
                      return Engine::load(static_cast<const uint8_t*>(data), bytes, read, engine);
                    });
}

void signbit_model_free(signbit_model* model) { delete model; }

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

signbit_status signbit_input(const signbit_model* model, size_t index, signbit_tensor* tensor) {
  const signbit_status status =
      check_place(model, tensor, index, model == nullptr ? 0 : signbit_input_count(model));
  if (status != SIGNBIT_OK) return status;
  const sbnn::Graph& graph = model->engine->graph();
  describe(graph.inputs[index].name, graph.tensors[index], 0, tensor);
  return SIGNBIT_OK;
}

signbit_status signbit_output(const signbit_model* model, size_t index, signbit_tensor* tensor) {
  const signbit_status status =
      check_place(model, tensor, index, model == nullptr ? 0 : signbit_output_count(model));
  if (status != SIGNBIT_OK) return status;
  const sbnn::Graph& graph = model->engine->graph();
  const sbnn::GraphOutput& output = graph.outputs[index];
  describe(output.name, graph.tensors[static_cast<size_t>(output.tensor)], output.classes.size(),
           tensor);
  return SIGNBIT_OK;
}

const char* signbit_class_name(const signbit_model* model, size_t output, size_t index) {
  const auto& outputs = model->engine->graph().outputs;
  if (output >= outputs.size() || index >= outputs[output].classes.size()) return nullptr;
  return outputs[output].classes[index].c_str();
}
