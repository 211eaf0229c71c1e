// Checked access to the arrays that the passes of training work on.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <optional>
#include <utility>

#include "common.h"
#include "format/types.h"
#include "training/normalisation.h"

namespace bindings {

template <typename T>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
using Sizes = std::pair<int64_t, int64_t>;

inline sbnn::Pair pair_of(const Sizes& sizes) { return {sizes.first, sizes.second}; }

template <typename T>
void require_size(const Array<T>& array, int64_t count) {
  if (static_cast<int64_t>(array.size()) != count) throw nb::value_error("array has a wrong size");
}

// The data of an optional array, which has `count` values where it is there.
template <typename T>
T* data_or_null(const std::optional<Array<T>>& array, int64_t count) {
  if (!array) return nullptr;
  require_size(*array, count);
  return array->data();
}

// The estimator by number; see sbnn::Surrogate.
inline sbnn::SurrogateArgs surrogate_of(int kind, float t, float k, float divisor = 1) {
  if (kind < 0 || kind > static_cast<int>(sbnn::Surrogate::kEde)) {
    throw nb::value_error("the estimator is unknown");
  }
  return {static_cast<sbnn::Surrogate>(kind), t, k, divisor};
}

// A join of processes by a Python function, which may be absent.
inline sbnn::Join calling(const std::optional<nb::callable>& function) {
  if (!function) return {};
  return [&function] {
    const nb::gil_scoped_acquire acquire;
    (*function)();
  };
}

// Adds what computes gradients to a module.
void add_training_backward(nb::module_& module);
// Adds what goes from a layer's input through its normalisation, and back.
void add_training_unit(nb::module_& module);
// Adds the convolution with one channel in each group.
void add_training_depthwise(nb::module_& module);
// Adds the normalisation of any reals.
void add_training_batch_norm(nb::module_& module);
// Adds what maps of one value per pixel need.
void add_training_maps(nb::module_& module);
// Adds meetings of processes.
void add_training_meeting(nb::module_& module);
// Adds non-linearities with parameters for each channel.
void add_training_nonlinearities(nb::module_& module);

}  // namespace bindings
