// What makes a graph valid: tensors within their limits, nodes in order, every tensor written once,
// every shape derived again from the nodes and compared with what the file declares. What makes one
// node valid is for the other files of validate_*.cpp.

#include <string>
#include <unordered_set>

#include "format/validate/checks.h"

namespace sbnn {
namespace {

class Validator {
 public:
  explicit Validator(const Graph& graph) : graph_(graph), checks_(graph) {}

  Status run() {
    SIGNBIT_TRY(check_tensors());
    SIGNBIT_TRY(in_range(static_cast<int64_t>(graph_.nodes.size()), 1, kMaxItems, "nodes"));
    std::unordered_set<std::string> names;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      const std::string where = "nodes[" + std::to_string(i) + "] ('" + node.name + "')";
      if (!names.insert(node.name).second) {
        return refuse(where + ".name", "is used by an earlier node");
      }
      SIGNBIT_TRY(check_node(node, where));
    }
    for (size_t i = 0; i < checks_.readable.size(); ++i) {
      if (!checks_.readable[i])
        return refuse("tensors", "no node writes '" + graph_.tensors[i].name + "'");
    }
    SIGNBIT_TRY(checks_.constants.all_used());
    return check_output();
  }

 private:
  const TensorSpec& tensor(int index) const { return checks_.tensor(index); }

  Status check_tensors() {
    SIGNBIT_TRY(in_range(static_cast<int64_t>(graph_.tensors.size()), 1, kMaxItems, "tensors"));
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      const TensorSpec& spec = graph_.tensors[i];
      const std::string where = "tensors[" + std::to_string(i) + "] ('" + spec.name + "')";
      SIGNBIT_TRY(in_range(spec.height, 1, kMaxSize, where + ".height"));
      SIGNBIT_TRY(in_range(spec.width, 1, kMaxSize, where + ".width"));
      SIGNBIT_TRY(in_range(spec.channels, 1, kMaxChannels, where + ".channels"));
      if (spec.height * spec.width * spec.channels > kMaxElements) {
        return refuse(where, "has more than " + text(kMaxElements) + " elements");
      }
      if ((spec.kind == Kind::kImage) != (static_cast<int>(i) == graph_.input)) {
        return refuse("input.tensor", "must name the one tensor of kind image");
      }
    }
    checks_.readable[static_cast<size_t>(graph_.input)] = true;
    return {};
  }

  Status check_output() const {
    const TensorSpec& output = tensor(graph_.output);
    if (output.kind != Kind::kReal) return refuse("output", "must name a real tensor");
    const auto classes = static_cast<int64_t>(graph_.classes.size());
    if (classes != 0 && classes != output.channels) {
      return refuse("classes", "has " + text(classes) + " names, the output has " +
                                   text(output.channels) + " channels");
    }
    return {};
  }

  Status check_node(const Node& node, const std::string& where) {
    SIGNBIT_TRY(check_version(node, where, checks_));
    SIGNBIT_TRY(checks_.must_be_readable(node.input, where + ".input"));
    Shape shape{};
    SIGNBIT_TRY(check_body(node, where, &checks_, &shape));
    SIGNBIT_TRY(check_dots(node, shape, where, &checks_));
    SIGNBIT_TRY(check_epilogue(node, shape, where, &checks_));
    if (node.real == kNone && node.signs.empty()) {
      return refuse(where, "has neither real nor signs");
    }
    if (node.real != kNone) {
      SIGNBIT_TRY(write_tensor(node.real, Kind::kReal, shape, where + ".real"));
    }
    for (size_t i = 0; i < node.signs.size(); ++i) {
      SIGNBIT_TRY(write_tensor(node.signs[i].tensor, Kind::kBits, shape,
                               where + ".signs[" + std::to_string(i) + "].tensor"));
    }
    return {};
  }

  Status write_tensor(int index, Kind kind, const Shape& shape, const std::string& where) {
    const TensorSpec& spec = tensor(index);
    if (checks_.readable[static_cast<size_t>(index)]) {
      return refuse(where, "'" + spec.name + "' is written already");
    }
    if (spec.kind != kind) {
      return refuse(where, std::string("writes ") + kind_name(kind) + ", '" + spec.name + "' is " +
                               kind_name(spec.kind));
    }
    const Shape declared{spec.height, spec.width, spec.channels};
    if (declared.height != shape.height || declared.width != shape.width ||
        declared.channels != shape.channels) {
      return refuse(where, "the node yields " + text(shape) + ", '" + spec.name +
                               "' is declared as " + text(declared));
    }
    checks_.readable[static_cast<size_t>(index)] = true;
    return {};
  }

  const Graph& graph_;
  GraphChecks checks_;
};

}  // namespace

Status validate(const Graph& graph) { return Validator(graph).run(); }

}  // namespace sbnn
