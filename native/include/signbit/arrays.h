// Arrays that a caller gives an engine.
#pragma once

#include <cstdint>

namespace sbnn {

// A batch of one input: uint8 or float32 of an image, float32 of reals.
struct InputArray {
  const void* data = nullptr;
  bool is_float = false;
};

// One sample of a batch that has so many elements per sample.
inline InputArray sample_of(const InputArray& batch, int64_t elements, int64_t index) {
  const int64_t bytes = elements * (batch.is_float ? static_cast<int64_t>(sizeof(float)) : 1);
  return {static_cast<const uint8_t*>(batch.data) + index * bytes, batch.is_float};
}

}  // namespace sbnn
