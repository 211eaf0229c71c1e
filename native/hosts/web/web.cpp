// The engine as WebAssembly: what the JavaScript of src/signbit/targets/web calls.
//
// An instance holds one model, so that its memory goes when the instance does, and a trap harms no
// other. Numbers are 32 bits wide, as JavaScript's are; arrays and texts lie in the memory. A
// function that can fail returns a signbit_status, and signbit_error_text() says why.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "api/failure.h"
#include "api/handles.h"

#define EXPORT extern "C" __attribute__((visibility("default"), used))

using sbnn::Graph;
using sbnn::Kind;
using sbnn::Status;
using sbnn::TensorSpec;
using sbnn::api::guarded;
using sbnn::api::wrong;

namespace {

// Half of what 32 bits can address, so that no size overflows.
constexpr int64_t kMostBytes = int64_t{1} << 30;

signbit_model* model = nullptr;
signbit_context* context = nullptr;

const Graph& graph() { return model->engine->graph(); }

// The one image that a network takes.
Status only_image(const TensorSpec** tensor) {
  const Graph& of = graph();
  if (of.inputs.size() != 1 || of.tensors[0].kind != Kind::kImage) {
    return wrong("this network takes something else than one image");
  }
  *tensor = &of.tensors[0];
  return {};
}

}  // namespace

// Memory for a file, or a batch; 0 where there is none.
EXPORT void* signbit_web_allocate(size_t bytes) { return std::malloc(bytes); }
EXPORT void signbit_web_release(void* memory) { std::free(memory); }

// Once in an instance's life.
EXPORT int signbit_web_load(const void* data, size_t bytes) {
  signbit_options options{};
  options.size = sizeof options;
  options.threads = 1;
  options.max_bytes = kMostBytes;
  const signbit_status status = signbit_load_memory(data, bytes, &options, &model);
  return status != SIGNBIT_OK ? status : signbit_context_create(model, &context);
}

EXPORT const char* signbit_web_error() { return signbit_error_text(); }
EXPORT const char* signbit_web_isa() { return signbit_model_isa(model); }
EXPORT const char* signbit_web_graph() { return signbit_model_json(model); }

// Kind (0 image, 1 reals, 2 signs), height, width and channels of each of the graph's tensors.
EXPORT int signbit_web_tensor(size_t index, int32_t* result) {
  if (index >= graph().tensors.size()) return 0;
  const TensorSpec& tensor = graph().tensors[index];
  result[0] = static_cast<int32_t>(tensor.kind);
  result[1] = static_cast<int32_t>(tensor.height);
  result[2] = static_cast<int32_t>(tensor.width);
  result[3] = static_cast<int32_t>(tensor.channels);
  return 1;
}

// Multiply-adds of each node.
EXPORT void signbit_web_operations(double* result) {
  for (const sbnn::NodeInfo& node : model->engine->nodes()) {
    *result++ = static_cast<double>(node.macs);
  }
}

// `channels` of 1, 3 or 4.
EXPORT int signbit_web_fit(size_t input, const uint8_t* pixels, int32_t height, int32_t width,
                           int32_t channels, uint8_t* result, size_t bytes) {
  const signbit_photo photo{sizeof photo, pixels, height, width, channels, 0};
  return signbit_fit_photo(model, input, &photo, result, bytes);
}

EXPORT int signbit_web_run(int32_t samples, const signbit_array* inputs, size_t input_count,
                           const signbit_array* outputs, size_t output_count) {
  return signbit_run(context, samples, inputs, input_count, outputs, output_count);
}

// The signs that a node writes for one image of uint8 pixels: a byte each, 1 = negative.
EXPORT int signbit_web_signs(int32_t tensor, const uint8_t* image, size_t bytes, uint8_t* signs,
                             size_t sign_bytes) {
  return guarded([&]() -> Status {
    const TensorSpec* input = nullptr;
    SIGNBIT_TRY(only_image(&input));
    const auto& tensors = graph().tensors;
    if (tensor < 1 || tensor >= static_cast<int32_t>(tensors.size()) ||
        tensors[static_cast<size_t>(tensor)].kind != Kind::kBits) {
      return wrong("tensor: is none of signs");
    }
    if (static_cast<int64_t>(bytes) != element_count(*input) ||
        static_cast<int64_t>(sign_bytes) != element_count(tensors[static_cast<size_t>(tensor)])) {
      return wrong("bytes: must be those of the image and of the signs");
    }
    sbnn::Feed feed;
    feed.tensor = 0;
    feed.data = image;
    sbnn::Fetch fetch;
    fetch.tensor = tensor;
    fetch.data = signs;
    return model->engine->run_nodes(1, {feed}, {fetch});
  });
}
