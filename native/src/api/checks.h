// A caller's arguments, checked.
#pragma once

#include <initializer_list>
#include <string>

#include "api/failure.h"
#include "signbit/engine.h"

namespace sbnn::api {

// A struct of signbit.h that a model's are to be written to; `name` is signbit_NAME's. `least` is
// its size in the first version, whose programs run with this library.
template <typename T>
Status check_struct(const signbit_model* model, const T* result, const std::string& name,
                    size_t least = sizeof(T)) {
  if (model == nullptr || result == nullptr)
    return wrong("model or " + name + ": must not be null");
  if (result->size >= least) return {};
  return wrong(name + ".size: must be sizeof(signbit_" + name + ")");
}

Status check_not_negative(int64_t samples);

// Whether there are as many of something as there must be.
Status check_count(const char* what, size_t given, size_t wanted);

// Whether the number names one of `count` things.
Status check_index(const char* what, size_t index, size_t count);

// Whether the array holds so many samples of so many elements, of one of these types; the message
// begins with the field of the array that is wrong.
Status check_array(const signbit_array& array, int64_t samples, int64_t elements,
                   std::initializer_list<signbit_type> types);

// The same of a tensor whose signs are of a type.
Status check_tensor(const signbit_array& array, const TensorSpec& tensor, int64_t samples,
                    signbit_type of_signs);

// `status` with a name from the file in front of its message.
inline Status of(const std::string& name, const Status& status) {
  return status.ok() ? status : status.within("'" + name + "'");
}

// The engine's batch of so many samples.
Status read_inputs(const Graph& graph, int64_t samples, const signbit_array* inputs, size_t count,
                   Batch* batch);

}  // namespace sbnn::api
