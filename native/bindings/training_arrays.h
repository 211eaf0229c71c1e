// Checked access to the arrays that the passes of training work on.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <optional>
#include <utility>

#include "common.h"
#include "signbit/types.h"
#include "training/normalisation.h"
#include "training/pointwise.h"

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

// Windows of pool × pool in what is height × width.
inline sbnn::PoolShape pool_shape(int64_t height, int64_t width, int64_t pool) {
  const bool fits = pool >= 1 && pool <= 15 && pool <= height && pool <= width;
  if (!fits) throw nb::value_error("pool is not 1 to 15, or larger than the image");
  return {height, width, pool};
}

// Values of (images, pixels, channels) around int16 dots of that shape.
struct NormArrays {
  explicit NormArrays(const Array<const int16_t>& dots) {
    if (dots.ndim() != 3 || dots.shape(2) % 16 != 0) {
      throw nb::value_error("dots have no three dimensions, or channels no multiple of 16");
    }
    batch = {static_cast<int64_t>(dots.shape(0)), static_cast<int64_t>(dots.shape(1)),
             static_cast<int64_t>(dots.shape(2)), dots.data()};
  }

  template <typename T>
  T* all(const Array<T>& array) const {
    require_size(array, batch.images * batch.pixels * batch.channels);
    return array.data();
  }
  template <typename T>
  T* all_or_null(const std::optional<Array<T>>& array) const {
    return array ? all(*array) : nullptr;
  }
  template <typename T>
  T* by_channel(const Array<T>& array, int64_t rows = 1) const {
    require_size(array, rows * batch.channels);
    return array.data();
  }

  sbnn::NormBatch batch{};
};

// Adds what computes gradients to a module.
void add_training_backward(nb::module_& module);

}  // namespace bindings
