#include "format/validate/node_inputs.h"

#include <algorithm>
#include <unordered_set>

#include "format/table.h"
#include "format/validate/checks.h"

namespace sbnn {
namespace {

std::unordered_set<int64_t> read_by_steps(const Node& node) {
  std::unordered_set<int64_t> places;
  for (const Step& step : node.steps) {
    if (has_key(step.op, Key::kInput)) places.insert(step.keys.integer(Key::kInput));
  }
  return places;
}

// A concat reads all inputs that come before the first one a step refers to.
size_t arity_of(const Node& node, const std::unordered_set<int64_t>& by_steps) {
  const OperationRow& row = row_of(node.op);
  if (!row.many) return row.input_count;
  if (by_steps.empty()) return node.inputs.size();
  return static_cast<size_t>(*std::min_element(by_steps.begin(), by_steps.end()));
}

std::string names_of(Kinds kinds) {
  std::string names;
  for (const Kind kind : {Kind::kImage, Kind::kReal, Kind::kBits}) {
    if (kinds & bit(kind)) names += (names.empty() ? "" : " or ") + std::string(kind_name(kind));
  }
  return names;
}

}  // namespace

Status read_inputs(const std::vector<TensorSpec>& tensors, const std::string& where, Node* node,
                   std::vector<TensorSpec>* inputs) {
  const OperationRow& row = row_of(node->op);
  const std::unordered_set<int64_t> by_steps = read_by_steps(*node);
  node->arity = arity_of(*node, by_steps);
  if (node->arity < row.input_count || node->inputs.size() < node->arity) {
    return refuse(where + ".inputs",
                  std::string(row.name) + " reads " + std::to_string(row.input_count) +
                      ", the node has " +
                      std::to_string(std::min(node->arity, node->inputs.size())));
  }
  for (size_t i = 0; i < node->inputs.size(); ++i) {
    const std::string place = item_of(where + ".inputs", i);
    const int number = node->inputs[i];
    if (number < 0 || static_cast<size_t>(number) >= tensors.size()) {
      return refuse(place, "reads a tensor that no earlier node has written");
    }
    const TensorSpec& tensor = tensors[static_cast<size_t>(number)];
    const bool by_operation = i < node->arity;
    const Kinds kinds =
        by_operation ? row.inputs[std::min(i, row.input_count - 1)] : bit(Kind::kReal);
    if ((kinds & bit(tensor.kind)) == 0) {
      return refuse(place, "must be " + names_of(kinds) + ", is " + kind_name(tensor.kind));
    }
    if (by_operation && row.many && i > 0 && tensor.kind != inputs->front().kind) {
      return refuse(place, "is of another kind than the first input");
    }
    inputs->push_back(tensor);
  }
  for (size_t i = node->arity; i < node->inputs.size(); ++i) {
    if (by_steps.count(static_cast<int64_t>(i)) == 0) {
      return refuse(item_of(where + ".inputs", i), "is read by no step");
    }
  }
  return {};
}

}  // namespace sbnn
