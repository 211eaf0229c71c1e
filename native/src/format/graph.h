// A model file as plain data: what docs/format.md describes, names resolved to indices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "format/types.h"
#include "signbit/status.h"

namespace sbnn {

constexpr int kNone = -1;  // an optional tensor or constant that is absent

struct TensorSpec {
  std::string name;
  Kind kind = Kind::kReal;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
};

// A tensor of the file; its bytes may be unaligned.
struct Constant {
  std::string name;
  DType dtype = DType::kU8;
  std::vector<int64_t> shape;
  const uint8_t* data = nullptr;
  size_t bytes = 0;
};

struct Pool {
  Pair kernel{1, 1};
  Pair stride{1, 1};
};

// What a binary convolution adds for a weight offset.
struct SignSums {
  int tensor = kNone;
  int scale = kNone;
};

struct Shortcut {
  int tensor = kNone;
  Pair stride{1, 1};
  int64_t offset = 0;
  bool repeat = false;
};

struct SignOutput {
  int tensor = kNone;
  int threshold = kNone;
  int flip = kNone;
};

// Tensors and constants are indices into Graph::tensors and Graph::constants.
struct Node {
  std::string name;
  Op op = Op::kPointwise;
  int input = kNone;
  Pair kernel{1, 1};
  Pair stride{1, 1};
  Pair padding{0, 0};
  Pair dilation{1, 1};
  int64_t groups = 1;
  int weight = kNone;
  int pad_value = kNone;
  bool has_pool = false;
  Pool pool;
  int map = kNone;  // a tensor
  SignSums sums;    // absent where its tensor is kNone
  int scale = kNone;
  int shift = kNone;
  Shortcut shortcut;  // absent where its tensor is kNone
  Activation activation = Activation::kNone;
  int slope = kNone;
  int positive_slope = kNone;
  int offset = kNone;
  int real = kNone;
  std::vector<SignOutput> signs;

  // Calls visit(tensor) for each tensor that the node reads.
  template <typename Visit>
  void for_inputs(Visit visit) const {
    for (const int tensor : {input, map, sums.tensor, shortcut.tensor}) {
      if (tensor != kNone) visit(tensor);
    }
  }
};

struct Graph {
  int64_t format = 1;
  int input = kNone;
  int output = kNone;
  std::vector<TensorSpec> tensors;
  std::vector<Node> nodes;
  std::vector<Constant> constants;
  std::vector<std::string> classes;
  std::vector<std::pair<std::string, std::string>> source;
  std::string json;

  // Whether a binary convolution's shift depends on the border.
  bool has_border_shift(const Node& node) const {
    return node.op == Op::kBinaryConv && node.shift != kNone &&
           constants[static_cast<size_t>(node.shift)].shape.size() == 3;
  }
};

// The name of an op as the file spells it.
const char* op_name(Op op);

// Reads and checks a whole file; the constants of `graph` point into `data`.
Status read_model(const uint8_t* data, size_t size, Graph* graph);

// What the two halves of read_model do; they are apart for the tests' sake.
Status read_graph(const std::string& json, Graph* graph);
Status validate(const Graph& graph);

}  // namespace sbnn
