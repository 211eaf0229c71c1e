// What the checks share: shapes and words for messages; refusals are json_fields.h's.
#pragma once

#include <string>

#include "format/graph.h"
#include "format/json_fields.h"

namespace sbnn {

// (height, width, channels) of one image's tensor.
struct Shape {
  int64_t height = 0, width = 0, channels = 0;
};

inline Shape shape_of(const TensorSpec& tensor) {
  return {tensor.height, tensor.width, tensor.channels};
}

inline std::string text(int64_t value) { return std::to_string(value); }
inline std::string text(const Pair& pair) { return "(" + text(pair.y) + ", " + text(pair.x) + ")"; }

inline const char* kind_name(Kind kind) {
  return kind == Kind::kImage ? "image" : kind == Kind::kReal ? "real" : "bits";
}

}  // namespace sbnn
