// A model file as plain data: what docs/format.md describes. Which keys an operation or step has,
// and of which types, is the table's (table.inc.h, made of operations.toml).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "format/types.h"
#include "signbit/status.h"

namespace sbnn {

constexpr int kNone = -1;  // an optional tensor or constant that is absent

// Stands for a constant that the graph names and the file lacks, until validate() refuses it.
constexpr int lacking(int number) { return kNone - 1 - number; }
constexpr int number_lacking(int index) { return kNone - 1 - index; }

// A tensor of the file; its bytes may be unaligned.
struct Constant {
  std::string name;
  DType dtype = DType::kU8;
  std::vector<int64_t> shape;
  const uint8_t* data = nullptr;
  size_t bytes = 0;
};

// What a key holds: integers (a choice by its place among the choices, a flag as 0 or 1, a constant
// as its index in Graph::constants or kNone), or tap sets.
struct Value {
  std::array<int64_t, 4> numbers{};
  std::vector<TapRange> taps;
};

// The keys that the file gives an operation or a step; what it leaves out is at the table's
// default.
class Keys {
 public:
  const Value& at(Key key) const;
  void set(Key key, Value value) { given_.emplace_back(key, std::move(value)); }

  int64_t integer(Key key) const { return at(key).numbers[0]; }
  bool flag(Key key) const { return integer(key) != 0; }
  int constant(Key key) const { return static_cast<int>(integer(key)); }
  Pair pair(Key key) const { return {at(key).numbers[0], at(key).numbers[1]}; }
  Sides sides(Key key) const {
    const auto& n = at(key).numbers;
    return {n[0], n[1], n[2], n[3]};
  }

 private:
  std::vector<std::pair<Key, Value>> given_;
};

struct Step {
  StepOp op = StepOp{};
  Keys keys;
};

// A tensor that a node writes: reals, or signs. Constants are indices, kNone where 0 is meant.
struct Output {
  Kind kind = Kind::kReal;
  int64_t after = 0;  // steps that it follows
  int threshold = kNone;
  int flip = kNone;
};

struct Node {
  std::string name;
  Op op = Op{};
  std::vector<int> inputs;  // numbers of tensors
  Keys keys;
  std::vector<Step> steps;
  std::vector<Output> outputs;
  // Filled in by validate():
  int first_output = 0;  // number of the first tensor that it writes
  size_t arity = 0;      // how many of its inputs the operation reads
};

// What a tensor holds for one image.
struct TensorSpec {
  Kind kind = Kind::kReal;
  int64_t height = 0;
  int64_t width = 0;
  int64_t channels = 0;
};

inline int64_t element_count(const TensorSpec& tensor) {
  return tensor.height * tensor.width * tensor.channels;
}

enum class Interpolation { kBilinear, kNearest, kBicubic };
enum class Colours { kRgb, kBgr, kGray };

// How a photograph becomes an image: by one of the two sizes, or with bars beside it.
struct Resize {
  int64_t shorter_side = 0;        // in pixels; 0: another way
  Pair both_sides;                 // in pixels; 0: another way
  std::vector<int64_t> letterbox;  // the bars' colour, channel by channel; empty: another way
  Interpolation interpolation = Interpolation::kBilinear;
  bool aliased = false;  // shrinking looks at the nearest pixels alone
  Colours colours = Colours::kRgb;

  bool given() const { return shorter_side != 0 || both_sides.y != 0 || !letterbox.empty(); }
};

struct GraphInput {
  std::string name;
  TensorSpec tensor;
  Resize resize;      // not given where the file does not say
  int table = kNone;  // a constant: by pixel value and channel, what takes a pixel's place
};

struct GraphOutput {
  std::string name;
  int tensor = kNone;
  std::vector<std::string> classes;
  int confidence = kNone;       // a constant, of the two below; by validate():
  float temperature = 1;        // by which scores are divided before their softmax
  float least_probability = 0;  // at which a class is named
};

struct Graph {
  bool any_size = false;
  std::vector<GraphInput> inputs;
  std::vector<GraphOutput> outputs;
  std::vector<Node> nodes;
  std::vector<Constant> constants;
  std::vector<TensorSpec> tensors;  // inputs, then every output of every node; by validate()
  std::vector<std::pair<std::string, std::string>> source;
  std::string json;
};

// Reads and checks a whole file; the constants of `graph` point into `data`. With a height and
// width other than 0 its images have that size: kInput where the file is not of any size.
Status read_model(const uint8_t* data, size_t size, Pair input_size, Graph* graph);

// What the two halves of read_model do; they are apart for the tests' sake. The constants of
// `graph` are there before its text is read.
Status read_graph(const std::string& json, Graph* graph);
Status validate(Graph* graph);

}  // namespace sbnn
