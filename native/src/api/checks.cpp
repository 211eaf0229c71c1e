#include "api/checks.h"

#include <algorithm>

namespace sbnn::api {
namespace {

struct Type {
  const char* name;
  int64_t bytes;
};

Type describe(signbit_type type) {
  switch (type) {
    case SIGNBIT_UINT8:
      return {"SIGNBIT_UINT8", 1};
    case SIGNBIT_INT8:
      return {"SIGNBIT_INT8", 1};
    case SIGNBIT_FLOAT32:
      return {"SIGNBIT_FLOAT32", 4};
    case SIGNBIT_INT32:
      break;
  }
  return {"SIGNBIT_INT32", 4};
}

std::string names_of(std::initializer_list<signbit_type> types) {
  std::string names;
  for (const signbit_type type : types) {
    names += (names.empty() ? "" : " or ") + std::string(describe(type).name);
  }
  return names;
}

// What is said of a number that breaks a rule.
__attribute__((noinline, cold)) Status broken(const char* what, const char* rule, uint64_t limit,
                                              uint64_t number) {
  std::string text = what;
  text += rule;
  text += std::to_string(limit);
  text += ", is ";
  text += std::to_string(number);
  return wrong(text);
}

}  // namespace

Status check_not_negative(int64_t samples) {
  return samples < 0 ? wrong("samples: must not be negative") : Status();
}

Status check_count(const char* what, size_t given, size_t wanted) {
  return given == wanted ? Status() : broken(what, ": must be ", wanted, given);
}

Status check_index(const char* what, size_t index, size_t count) {
  return index < count ? Status() : broken(what, ": must be below ", count, index);
}

Status check_array(const signbit_array& array, int64_t samples, int64_t elements,
                   std::initializer_list<signbit_type> types) {
  if (std::find(types.begin(), types.end(), array.type) == types.end()) {
    return wrong("type must be " + names_of(types));
  }
  const int64_t each = elements * describe(array.type).bytes;
  if (samples > INT64_MAX / each) return wrong("samples: no array has so many");
  const int64_t bytes = samples * each;
  if (array.bytes != static_cast<uint64_t>(bytes)) {
    return broken("bytes", " must be ", static_cast<uint64_t>(bytes), array.bytes);
  }
  return array.data == nullptr && bytes > 0 ? wrong("data must not be null") : Status();
}

Status check_tensor(const signbit_array& array, const TensorSpec& tensor, int64_t samples,
                    signbit_type of_signs) {
  const int64_t elements = element_count(tensor);
  if (tensor.kind == Kind::kImage) {
    return check_array(array, samples, elements, {SIGNBIT_UINT8, SIGNBIT_FLOAT32});
  }
  const bool is_real = tensor.kind == Kind::kReal;
  return check_array(array, samples, elements, {is_real ? SIGNBIT_FLOAT32 : of_signs});
}

Status read_inputs(const Graph& graph, int64_t samples, const signbit_array* inputs, size_t count,
                   Batch* batch) {
  SIGNBIT_TRY(check_count("input_count", count, graph.inputs.size()));
  batch->count = samples;
  batch->inputs.clear();
  for (size_t i = 0; i < count; ++i) {
    SIGNBIT_TRY(of(graph.inputs[i].name,
                   check_tensor(inputs[i], graph.tensors[i], samples, SIGNBIT_UINT8)));
    batch->inputs.push_back({inputs[i].data, inputs[i].type == SIGNBIT_FLOAT32});
  }
  return {};
}

}  // namespace sbnn::api
