// An epilogue is, in this order, each of it where it is there:
//   affine without a border, add of a shortcut, an activation, an offset.
// A node whose steps are these, and whose outputs follow all of them or compare its integers, is
// fused: the kernels of the epilogue do the same operations on each value in the same order.

#include "plan/fuse.h"

#include <cmath>
#include <cstring>

#include "format/table.h"

namespace sbnn {
namespace {

class NodeFuser {
 public:
  NodeFuser(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  FusedNode run(bool fuse) {
    read_operation();
    FusedNode fused = result_;
    if (fuse && fuse_steps(&fused) && fuse_outputs(&fused) && has_kernels(fused)) return fused;
    keep_chain();
    return result_;
  }

 private:
  const TensorSpec& input() const { return tensor(node_.inputs[0]); }
  const TensorSpec& output() const { return tensor(node_.first_output); }
  const TensorSpec& tensor(int number) const { return graph_.tensors[static_cast<size_t>(number)]; }
  const Constant& constant(int index) const { return graph_.constants[static_cast<size_t>(index)]; }

  void read_operation() {
    const Keys& keys = node_.keys;
    result_.name = node_.name;
    result_.op = node_.op;
    result_.input = node_.inputs[0];
    result_.more_inputs.assign(node_.inputs.begin() + 1,
                               node_.inputs.begin() + static_cast<std::ptrdiff_t>(node_.arity));
    result_.keys = keys;
    result_.kernel = keys.pair(Key::kKernel);
    result_.stride = keys.pair(Key::kStride);
    result_.padding = keys.sides(Key::kPadding);
    result_.dilation = keys.pair(Key::kDilation);
    result_.groups = keys.integer(Key::kGroups);
    result_.pad_sign = static_cast<PadSign>(keys.integer(Key::kPadSign));
    result_.count_padding = keys.flag(Key::kCountPadding);
    result_.copies = keys.integer(Key::kCopies);
    result_.weight = keys.constant(Key::kWeight);
    result_.pad_value = keys.constant(Key::kPadValue);
    result_.pool = {keys.pair(Key::kPoolKernel), keys.pair(Key::kPoolStride)};
    if (node_.op == Op::kGlobalMax) {
      result_.op = Op::kMaxPool;
      result_.kernel = {input().height, input().width};
    }
  }

  // The step that is next, if it is of this kind.
  const Step* next(StepOp op) const {
    const bool is = at_ < node_.steps.size() && node_.steps[at_].op == op;
    return is ? &node_.steps[at_] : nullptr;
  }
  int operand(const Step& step) const {
    return node_.inputs[static_cast<size_t>(step.keys.integer(Key::kInput))];
  }
  static Repeat repeat_of(const Step& step) {
    return static_cast<Repeat>(step.keys.integer(Key::kRepeat));
  }
  bool fuse_steps(FusedNode* fused) {
    fuse_affine(fused);
    fuse_shortcut(fused);
    fuse_activation(fused);
    if (const Step* step = next(StepOp::kOffset)) {
      fused->offset = step->keys.constant(Key::kValue);
      ++at_;
    }
    return at_ == node_.steps.size();
  }

  void fuse_affine(FusedNode* fused) {
    const Step* const step = next(StepOp::kAffine);
    if (step == nullptr || !step->keys.at(Key::kRowTaps).taps.empty()) return;
    fused->scale = step->keys.constant(Key::kScale);
    fused->shift = step->keys.constant(Key::kShift);
    ++at_;
  }

  void fuse_shortcut(FusedNode* fused) {
    const Step* const step = next(StepOp::kAdd);
    if (step == nullptr || step->keys.constant(Key::kWeighted) != kNone) return;
    if (repeat_of(*step) == Repeat::kEach) return;
    fused->shortcut = {operand(*step), step->keys.pair(Key::kEvery),
                       step->keys.integer(Key::kOffset), repeat_of(*step) == Repeat::kTile};
    ++at_;
  }

  void fuse_activation(FusedNode* fused) {
    if (at_ == node_.steps.size()) return;
    const Step& step = node_.steps[at_];
    switch (step.op) {
      case StepOp::kRelu:
        fused->activation = Activation::kRelu;
        break;
      case StepOp::kHardtanh:
        fused->activation = Activation::kHardtanh;
        break;
      case StepOp::kPrelu:
        fused->activation = Activation::kPrelu;
        break;
      case StepOp::kMaxout:
        fused->activation = Activation::kMaxout;
        break;
      case StepOp::kSigmoid:
        fused->activation = Activation::kSigmoid;
        break;
      default:
        return;
    }
    fused->slope = step.keys.constant(Key::kSlope);
    fused->positive_slope = step.keys.constant(Key::kPositiveSlope);
    ++at_;
  }

  // One tensor of reals and any number of signs.
  bool fuse_outputs(FusedNode* fused) const {
    int number = node_.first_output;
    for (const Output& output : node_.outputs) {
      if (output.kind == Kind::kReal) {
        if (fused->real != kNone || !follows_all(output)) return false;
        fused->real = number++;
        continue;
      }
      if (!compares_integers(output) && !follows_all(output)) return false;
      fused->signs.push_back({number++, output.threshold, output.flip});
    }
    return true;
  }

  bool follows_all(const Output& output) const {
    return output.after == static_cast<int64_t>(node_.steps.size());
  }
  bool compares_integers(const Output& output) const {
    return output.threshold != kNone && constant(output.threshold).dtype == DType::kI32;
  }

  // Signs that are moved, or a maximum of them, are packed as they are. An epilogue finishes a
  // vector of one pixel at a time where it has no word of channels, a chain those of several
  // pixels.
  bool has_kernels(const FusedNode& fused) const {
    if (node_.outputs.empty()) return false;
    const bool is_of_signs = input().kind == Kind::kBits && result_.weight == kNone;
    if (is_of_signs && fused.keeps_signs()) return true;
    if (is_of_signs && result_.op == Op::kMaxPool) return false;
    return output().channels >= 16 || output().height * output().width == 1;
  }

  void keep_chain() {
    result_.by_steps = true;
    for (const Step& step : node_.steps) {
      const bool reads = has_key(step.op, Key::kInput);
      result_.steps.push_back({step, reads ? operand(step) : kNone});
    }
    int number = node_.first_output;
    for (const Output& output : node_.outputs) result_.outputs.push_back({number++, output});
  }

  const Graph& graph_;
  const Node& node_;
  size_t at_ = 0;  // of the steps
  FusedNode result_;
};

}  // namespace

bool FusedGraph::has_whole_sums(const FusedNode& node) const {
  constexpr int64_t kExact = 1 << 24;
  const DType weight = constants[static_cast<size_t>(node.weight)].dtype;
  if (weight == DType::kI16) return true;
  const auto input = static_cast<size_t>(node.input);
  if (weight != DType::kU64 || table_of(node.input) == kNone) return false;
  const int64_t taps = node.kernel.y * node.kernel.x * (tensors[input].channels / node.groups);
  if (taps * (kPixelValues - 1) >= kExact) return false;
  if (node.pad_value == kNone) return true;
  const Constant& pad = constants[static_cast<size_t>(node.pad_value)];
  for (size_t byte = 0; byte < pad.bytes; byte += sizeof(float)) {
    float value;
    std::memcpy(&value, pad.data + byte, sizeof value);
    if (!(value >= 0 && value < kPixelValues) || value != std::floor(value)) return false;
  }
  return true;
}

FusedGraph fuse_graph(const Graph& graph, bool fuse) {
  FusedGraph fused;
  fused.tensors = graph.tensors;
  fused.constants = graph.constants;
  fused.inputs = static_cast<int>(graph.inputs.size());
  for (const GraphInput& input : graph.inputs) fused.tables.push_back(input.table);
  for (const GraphOutput& output : graph.outputs) fused.outputs.push_back(output.tensor);
  fused.nodes.reserve(graph.nodes.size());
  for (const Node& node : graph.nodes) fused.nodes.push_back(NodeFuser(graph, node).run(fuse));
  return fused;
}

}  // namespace sbnn
