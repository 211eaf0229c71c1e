// The engine as WebAssembly: what the JavaScript of src/signbit/targets/web calls.
//
// An instance holds one model, so that its memory goes when the instance does, and a trap harms no
// other. Numbers are 32 bits wide, as JavaScript's are; arrays and texts lie in the memory. A
// function that can fail returns a signbit_status, and signbit_error_text() says why.
#include <cstdlib>

#include "signbit.h"

#define EXPORT extern "C" __attribute__((visibility("default"), used))

namespace {

// Half of what 32 bits can address, so that no size overflows.
constexpr int64_t kMostBytes = int64_t{1} << 30;

signbit_model* model = nullptr;
signbit_context* context = nullptr;

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
  signbit_tensor tensor{};
  tensor.size = sizeof tensor;
  if (signbit_graph_tensor(model, index, &tensor) != SIGNBIT_OK) return 0;
  result[0] = static_cast<int32_t>(tensor.kind);
  result[1] = static_cast<int32_t>(tensor.height);
  result[2] = static_cast<int32_t>(tensor.width);
  result[3] = static_cast<int32_t>(tensor.channels);
  return 1;
}

// What an output's scores are divided by before their softmax, and the least probability at which
// a class is named.
EXPORT int signbit_web_confidence(size_t output, float* result) {
  signbit_tensor tensor{};
  tensor.size = sizeof tensor;
  const signbit_status status = signbit_output(model, output, &tensor);
  result[0] = tensor.temperature;
  result[1] = tensor.least_probability;
  return status;
}

// Multiply-adds of each node.
EXPORT void signbit_web_operations(double* result) {
  signbit_node node{};
  node.size = sizeof node;
  for (size_t i = 0; signbit_graph_node(model, i, &node) == SIGNBIT_OK; ++i) {
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
EXPORT int signbit_web_signs(size_t tensor, uint8_t* image, size_t bytes, uint8_t* signs,
                             size_t sign_bytes) {
  const signbit_value feed{0, 0, {image, bytes, SIGNBIT_UINT8}};
  const signbit_value fetch{tensor, 0, {signs, sign_bytes, SIGNBIT_UINT8}};
  return signbit_run_nodes(context, 1, &feed, 1, &fetch, 1);
}
