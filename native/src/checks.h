// What validate.cpp's two halves share: messages, ranges, and what may be asked of constants.
#pragma once

#include <string>
#include <vector>

#include "signbit/graph.h"

namespace sbnn {

struct Shape {
  int64_t height, width, channels;
};

inline std::string text(int64_t value) { return std::to_string(value); }
inline std::string text(const Shape& shape) {
  return "(" + text(shape.height) + ", " + text(shape.width) + ", " + text(shape.channels) + ")";
}

inline Status refuse(const std::string& where, const std::string& message) {
  return {Code::kModelFile, where + ": " + message};
}

inline Status in_range(int64_t value, int64_t low, int64_t high, const std::string& where) {
  if (low <= value && value <= high) return {};
  return refuse(where, "must be " + text(low) + " to " + text(high) + ", is " + text(value));
}

inline Status in_range(const Pair& pair, int64_t low, int64_t high, const std::string& where) {
  SIGNBIT_TRY(in_range(pair.y, low, high, where + "[0]"));
  return in_range(pair.x, low, high, where + "[1]");
}

inline const char* kind_name(Kind kind) {
  return kind == Kind::kImage ? "image" : kind == Kind::kReal ? "real" : "bits";
}

// The constants of a graph, and which of them some node has named.
class ConstantChecks {
 public:
  explicit ConstantChecks(const Graph& graph)
      : graph_(graph), used_(graph.constants.size(), false) {}

  // Marks a constant as used; its dtype must be this one, and if real its values finite.
  Status use(int index, DType dtype, const std::string& where);
  // The same, and its shape must be (channels,).
  Status per_channel(int index, DType dtype, int64_t channels, const std::string& where);

  Status unused_bits_are_zero(int index, int64_t taps, const std::string& where) const;
  Status zeros_and_ones(int index, const std::string& where) const;
  Status zeros(int index, const std::string& where) const;
  Status all_used() const;

  const Constant& at(int index) const { return graph_.constants[static_cast<size_t>(index)]; }

 private:
  const Graph& graph_;
  std::vector<bool> used_;
};

}  // namespace sbnn
