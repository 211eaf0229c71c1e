// What the files of validate*.cpp share: messages, ranges, what may be asked of constants, and what
// is known of a graph while its nodes are checked in order.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "format/graph.h"

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
  Status pixel_weights(int index, const std::string& where) const;
  Status zeros(int index, const std::string& where) const;
  Status all_used() const;

  const Constant& at(int index) const { return graph_.constants[static_cast<size_t>(index)]; }

 private:
  const Graph& graph_;
  std::vector<bool> used_;
};

struct GraphChecks {
  explicit GraphChecks(const Graph& checked)
      : graph(checked), readable(checked.tensors.size(), false), constants(checked) {}

  const TensorSpec& tensor(int index) const { return graph.tensors[static_cast<size_t>(index)]; }

  Status must_be_readable(int index, const std::string& where) const {
    if (readable[static_cast<size_t>(index)]) return {};
    return refuse(where, "reads '" + tensor(index).name + "', which no earlier node has written");
  }

  // Whether v0 is an int32: of a binary convolution, and of a real one with int16 weights.
  bool is_integer(const Node& node) const {
    return node.op == Op::kBinaryConv ||
           (node.op == Op::kRealConv && constants.at(node.weight).dtype == DType::kI16);
  }

  const Graph& graph;
  std::vector<bool> readable;  // the image, and what earlier nodes wrote
  ConstantChecks constants;
  std::unordered_map<int, int64_t> groups;  // of the grouped convolutions that read a tensor
};

// Whether a node's parts are of the version that the graph says.
Status check_version(const Node& node, const std::string& where, const GraphChecks& checks);

// Whether a node's body, then its epilogue, are valid; the shape that the node yields.
Status check_body(const Node& node, const std::string& where, GraphChecks* checks, Shape* shape);
Status check_dots(const Node& node, const Shape& shape, const std::string& where,
                  GraphChecks* checks);
Status check_border_shift(const Node& node, const Shape& shape, const std::string& where,
                          GraphChecks* checks);
Status check_epilogue(const Node& node, const Shape& shape, const std::string& where,
                      GraphChecks* checks);

}  // namespace sbnn
