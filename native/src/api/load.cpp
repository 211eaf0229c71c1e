// Loading a model.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>

#include "api/handles.h"
#include "api/internal.h"

using sbnn::Engine;
using sbnn::EngineOptions;
using sbnn::Status;
using sbnn::api::guarded;
using sbnn::api::refused;
using sbnn::api::wrong;

namespace {

// What the first version had of them.
constexpr size_t kFirstOptions = offsetof(signbit_options, is_cancelled);

// The engine's options of a caller's, which may be null.
Status read_options(const signbit_options* options, EngineOptions* result) {
  if (options == nullptr) return {};
  if (options->size < kFirstOptions) {
    return wrong("options.size: must be sizeof(signbit_options)");
  }
  signbit_options given{};
  std::memcpy(&given, options, std::min(options->size, sizeof given));
  if (given.height < 0 || given.width < 0 || (given.height == 0) != (given.width == 0)) {
    return wrong("options.height and width: must be both positive, or both 0");
  }
  result->threads = given.threads;
  if (given.isa != nullptr) result->isa = given.isa;
  result->input_size = {given.height, given.width};
  if (given.max_bytes != 0) result->max_bytes = given.max_bytes;
  if (given.max_operations != 0) result->max_operations = given.max_operations;
  if (given.is_cancelled != nullptr) {
    result->is_interrupted = [asked = given.is_cancelled, user = given.user] {
      return asked(user) != 0;
    };
  }
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
  return sbnn::api::load(data, bytes, options, {}, model);
}

signbit_status sbnn::api::load(const void* data, size_t bytes, const signbit_options* options,
                               Ways ways, signbit_model** model) noexcept {
  if (data == nullptr) return refused("data: must not be null");
  return load_model(options, model, [&](EngineOptions read, std::unique_ptr<Engine>* engine) {
    read.share_all = ways.share_all;
    read.fuse = ways.fuse;
    return Engine::load(static_cast<const uint8_t*>(data), bytes, read, engine);
  });
}

signbit_status sbnn::api::check_file(const void* data, size_t bytes, Pair input_size) noexcept {
  return guarded([&] {
    Graph graph;
    return read_model(static_cast<const uint8_t*>(data), bytes, input_size, &graph);
  });
}

void signbit_model_free(signbit_model* model) { delete model; }
