// A graph as the engine runs it: each node an operation and what becomes of its values. That is
// either an epilogue that has kernels of its own, or a chain of steps that a kernel reads one by
// one.
#pragma once

#include <string>
#include <vector>

#include "format/graph.h"
#include "format/taps.h"
#include "kernels/kernels.h"

namespace sbnn {

struct Pool {
  Pair kernel{1, 1};
  Pair stride{1, 1};
};

struct Shortcut {
  int tensor = kNone;
  Pair stride{1, 1};
  int64_t offset = 0;
  bool repeat = false;
};

// Constants are kNone where 0 is meant.
struct SignOutput {
  int tensor = kNone;
  int threshold = kNone;
  int flip = kNone;
};

// A step of a chain, and the tensor that it reads.
struct ChainStep {
  Step step;
  int operand = kNone;
};

struct ChainOutput {
  int tensor = kNone;
  Output output;
};

// Tensors and constants are indices into the graph's.
struct FusedNode {
  std::string name;
  Op op = Op::kIdentity;
  int input = kNone;
  std::vector<int> more_inputs;  // that the operation reads
  Keys keys;                     // of operations whose keys are not among the following
  Pair kernel{1, 1};
  Pair stride{1, 1};
  Sides padding;
  Pair dilation{1, 1};
  int64_t groups = 1;
  PadSign pad_sign = PadSign::kNone;
  bool count_padding = false;
  int64_t copies = 1;  // of a filter's channels
  int weight = kNone;
  int pad_value = kNone;
  Pool pool;

  // The epilogue, in this order.
  int scale = kNone;
  int shift = kNone;
  Shortcut shortcut;  // absent where its tensor is kNone
  Activation activation = Activation::kNone;
  int slope = kNone;
  int positive_slope = kNone;
  int offset = kNone;
  int real = kNone;
  std::vector<SignOutput> signs;

  // Whether it yields signs of v0 alone, flipped or not: of signs the very bits.
  bool keeps_signs() const {
    const bool changes = scale != kNone || shortcut.tensor != kNone ||
                         activation != Activation::kNone || offset != kNone;
    if (by_steps || changes || real != kNone || signs.empty()) return false;
    for (const SignOutput& output : signs) {
      if (output.threshold != kNone) return false;
    }
    return true;
  }

  // The chain of a node that runs step by step, which has no epilogue.
  bool by_steps = false;
  std::vector<ChainStep> steps;
  std::vector<ChainOutput> outputs;

  // Calls visit(tensor) for each tensor that the node reads.
  template <typename Visit>
  void for_inputs(Visit visit) const {
    visit(input);
    if (shortcut.tensor != kNone) visit(shortcut.tensor);
    for (const int tensor : more_inputs) visit(tensor);
    for (const ChainStep& step : steps) {
      if (step.operand != kNone) visit(step.operand);
    }
  }

  // Calls visit(tensor) for each tensor that the node writes.
  template <typename Visit>
  void for_outputs(Visit visit) const {
    if (real != kNone) visit(real);
    for (const SignOutput& output : signs) visit(output.tensor);
    for (const ChainOutput& output : outputs) visit(output.tensor);
  }

  std::vector<int> output_tensors() const {
    std::vector<int> tensors;
    for_outputs([&](int tensor) { tensors.push_back(tensor); });
    return tensors;
  }

  Axis row_axis(int64_t height) const {
    return {height, kernel.y, stride.y, padding.top, padding.bottom, dilation.y};
  }
  Axis column_axis(int64_t width) const {
    return {width, kernel.x, stride.x, padding.left, padding.right, dilation.x};
  }
};

// Tensors are numbered as in the file: the graph's inputs come first.
struct FusedGraph {
  std::vector<TensorSpec> tensors;
  std::vector<FusedNode> nodes;
  std::vector<Constant> constants;  // whose bytes are borrowed
  int inputs = 0;
  std::vector<int> tables;   // of pixels, by input: a constant, or kNone
  std::vector<int> outputs;  // tensors

  int table_of(int tensor) const {
    const auto i = static_cast<size_t>(tensor);
    return i < tables.size() ? tables[i] : kNone;
  }

  // A real convolution of uint8 pixels alone whose sums are whole numbers and int32, and whose
  // chain of float32 has the very same: its weights are int16, or signs and so few that no sum
  // leaves the integers that float32 has.
  bool has_whole_sums(const FusedNode& node) const;

  bool is_output(int tensor) const {
    for (const int output : outputs) {
      if (output == tensor) return true;
    }
    return false;
  }
};

}  // namespace sbnn
