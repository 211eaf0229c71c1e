// What the checks share: messages, ranges, shapes.
#pragma once

#include <string>

#include "format/graph.h"

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

inline Status refuse(const std::string& where, const std::string& message) {
  return {Code::kModelFile, where + ": " + message};
}

inline Status in_range(int64_t value, int64_t least, int64_t most, const std::string& where) {
  if (least <= value && value <= most) return {};
  return refuse(where, "must be " + text(least) + " to " + text(most) + ", is " + text(value));
}

inline const char* kind_name(Kind kind) {
  return kind == Kind::kImage ? "image" : kind == Kind::kReal ? "real" : "bits";
}

}  // namespace sbnn
