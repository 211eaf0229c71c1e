// What makes a graph valid, checked in the order of docs/format.md: inputs, nodes in order,
// outputs, and that every tensor of the file is used. Every tensor's shape is derived here.

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "format/validate/checks.h"
#include "format/validate/constants.h"
#include "format/validate/node_inputs.h"
#include "format/validate/operation_constants.h"
#include "format/validate/shapes.h"
#include "format/validate/steps.h"

namespace sbnn {
namespace {

int64_t count_of(size_t size) { return static_cast<int64_t>(size); }

class Validator {
 public:
  explicit Validator(Graph* graph) : graph_(*graph), constants_(graph->constants) {}

  Status run() {
    graph_.tensors.clear();
    SIGNBIT_TRY(check_inputs());
    SIGNBIT_TRY(in_range(count_of(graph_.nodes.size()), 1, kMaxItems, "nodes"));
    std::unordered_set<std::string> names;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      Node& node = graph_.nodes[i];
      const std::string where = item_of("nodes", i);
      if (!names.insert(node.name).second) {
        return refuse(where + ".name", "'" + node.name + "' is an earlier node's");
      }
      const Status status = check_node(&node, where);
      if (!status.ok()) return {status.code(), status.message() + " (node '" + node.name + "')"};
    }
    SIGNBIT_TRY(check_outputs());
    return constants_.require_all_used();
  }

 private:
  Status check_inputs() {
    SIGNBIT_TRY(in_range(count_of(graph_.inputs.size()), 1, kMaxOperands, "inputs"));
    std::unordered_set<std::string> names;
    for (size_t i = 0; i < graph_.inputs.size(); ++i) {
      const GraphInput& input = graph_.inputs[i];
      const std::string where = item_of("inputs", i);
      if (!names.insert(input.name).second) {
        return refuse(where + ".name", "'" + input.name + "' is an earlier one's");
      }
      if (input.resize.given() && input.tensor.kind != Kind::kImage) {
        return refuse(where + ".resize", "goes with images");
      }
      if (input.table != kNone) SIGNBIT_TRY(check_table(input, where + ".table"));
      SIGNBIT_TRY(check_shape(shape_of(input.tensor), where));
      SIGNBIT_TRY(check_colours(input.resize, input.tensor.channels, where + ".resize"));
      graph_.tensors.push_back(input.tensor);
    }
    return {};
  }

  Status check_table(const GraphInput& input, const std::string& where) {
    if (input.tensor.kind != Kind::kImage) return refuse(where, "goes with images");
    return constants_.take_shaped(input.table, bit(DType::kU8),
                                  {kPixelValues, input.tensor.channels}, where);
  }

  Status check_colours(const Resize& resize, int64_t channels, const std::string& where) {
    if (!resize.letterbox.empty() && count_of(resize.letterbox.size()) != channels) {
      return refuse(where + ".letterbox", "must have one value for each of the " +
                                              std::to_string(channels) + " channels");
    }
    if (resize.colours != Colours::kRgb && channels != 3) {
      return refuse(where + ".colours", "goes with 3 channels");
    }
    return {};
  }

  Status check_node(Node* node, const std::string& where) {
    node->first_output = static_cast<int>(graph_.tensors.size());
    std::vector<TensorSpec> inputs;
    SIGNBIT_TRY(read_inputs(graph_.tensors, where, node, &inputs));
    SIGNBIT_TRY(check_groups(*node, inputs[0], where));
    OperationConstants known;
    SIGNBIT_TRY(check_constants(*node, inputs[0], where, &constants_, &known));
    const std::vector<TensorSpec> reads(inputs.begin(),
                                        inputs.begin() + static_cast<long>(node->arity));
    Shape shape;
    SIGNBIT_TRY(yielded_shape(*node, reads, known.filters, where, &shape));
    SIGNBIT_TRY(check_shape(shape, where));
    for (size_t i = 0; i < node->steps.size(); ++i) {
      SIGNBIT_TRY(check_step(*node, node->steps[i], inputs, shape, item_of(where + ".steps", i),
                             &constants_));
    }
    const bool integers =
        row_of(node->op).yields == Yields::kInteger || known.weight == DType::kI16;
    for (size_t i = 0; i < node->outputs.size(); ++i) {
      const Output& output = node->outputs[i];
      SIGNBIT_TRY(check_output(*node, output, integers, shape, item_of(where + ".outputs", i)));
      graph_.tensors.push_back({output.kind, shape.height, shape.width, shape.channels});
    }
    if (count_of(graph_.tensors.size()) <= kMaxItems) return {};
    return refuse(where + ".outputs", "the graph has more than " + text(kMaxItems) + " tensors");
  }

  // Groups divide the channels, and a bits tensor is aligned for one grouping only.
  Status check_groups(const Node& node, const TensorSpec& source, const std::string& where) {
    if (!has_key(node.op, Key::kGroups)) return {};
    const int64_t groups = node.keys.integer(Key::kGroups);
    if (source.channels % groups != 0) {
      return refuse(where + ".groups", text(groups) + " does not divide the " +
                                           text(source.channels) + " input channels");
    }
    if (groups == 1 || !counts_signs(node.op)) return {};
    const int64_t first = groups_.emplace(node.inputs[0], groups).first->second;
    if (groups == first) return {};
    return refuse(where + ".groups", "is " + text(groups) +
                                         ", but an earlier node reads the same " + "signs in " +
                                         text(first) + " groups");
  }

  Status check_output(const Node& node, const Output& output, bool integers, const Shape& shape,
                      const std::string& where) {
    const int64_t steps = count_of(node.steps.size());
    if (output.after > steps) {
      return refuse(where + ".after",
                    "is " + text(output.after) + ", of " + text(steps) + " steps");
    }
    if (output.threshold != kNone) {
      const Constant* threshold = nullptr;
      SIGNBIT_TRY(constants_.take_shaped(output.threshold, bit(DType::kF32) | bit(DType::kI32),
                                         {shape.channels}, where + ".threshold", &threshold));
      if (threshold->dtype == DType::kI32) {
        SIGNBIT_TRY(check_integer_threshold(node, output, integers, where));
      }
    }
    if (output.flip == kNone) return {};
    const Constant* flip = nullptr;
    SIGNBIT_TRY(constants_.take_shaped(output.flip, bit(DType::kU8), {shape.channels},
                                       where + ".flip", &flip));
    if (!constants_.is_first(output.flip, 0)) return {};
    if (std::all_of(flip->data, flip->data + flip->bytes, [](uint8_t bit) { return bit <= 1; })) {
      return {};
    }
    return refuse(where + ".flip", "must be 0 or 1");
  }

  static Status check_integer_threshold(const Node& node, const Output& output, bool integers,
                                        const std::string& where) {
    if (!integers) {
      return refuse(where + ".threshold", std::string("I32 compares integers, which ") +
                                              row_of(node.op).name + " does not yield here");
    }
    if (output.after == 0) return {};
    return refuse(where + ".after", "must be 0, as an I32 threshold compares integers");
  }

  Status check_outputs() {
    SIGNBIT_TRY(in_range(count_of(graph_.outputs.size()), 1, kMaxOutputs, "outputs"));
    std::unordered_set<std::string> names;
    for (size_t i = 0; i < graph_.outputs.size(); ++i) {
      GraphOutput& output = graph_.outputs[i];
      const std::string where = item_of("outputs", i);
      if (!names.insert(output.name).second) {
        return refuse(where + ".name", "'" + output.name + "' is an earlier one's");
      }
      if (output.tensor < count_of(graph_.inputs.size()) ||
          output.tensor >= count_of(graph_.tensors.size())) {
        return refuse(where + ".tensor", "no node writes this tensor");
      }
      const int64_t channels = graph_.tensors[static_cast<size_t>(output.tensor)].channels;
      const int64_t classes = count_of(output.classes.size());
      if (classes != 0 && classes != channels) {
        return refuse(where + ".classes", "has " + text(classes) + " names, the tensor has " +
                                              text(channels) + " channels");
      }
      if (output.confidence != kNone) {
        SIGNBIT_TRY(check_confidence(where + ".confidence", &output));
      }
    }
    return {};
  }

  Status check_confidence(const std::string& where, GraphOutput* output) {
    if (graph_.tensors[static_cast<size_t>(output->tensor)].kind != Kind::kReal) {
      return refuse(where, "goes with reals");
    }
    const Constant* constant = nullptr;
    SIGNBIT_TRY(
        constants_.take_shaped(output->confidence, bit(DType::kF32), {2}, where, &constant));
    float values[2];
    std::memcpy(values, constant->data, sizeof(values));
    output->temperature = values[0];
    output->least_probability = values[1];
    if (values[0] <= 0) return refuse(where, "must begin with a temperature above 0");
    if (values[1] >= 0 && values[1] < 1) return {};
    return refuse(where, "must end with a probability from 0 to below 1");
  }

  Graph& graph_;
  Constants constants_;
  std::unordered_map<int, int64_t> groups_;  // of the grouped nodes that read a bits tensor
};

}  // namespace

Status validate(Graph* graph) { return Validator(graph).run(); }

}  // namespace sbnn
