// One node of the graph's JSON text: which keys its op has, and what they hold. What the values
// mean is validate.cpp's.
#pragma once

#include <string>
#include <unordered_map>

#include "format/graph.h"
#include "format/json.h"

namespace sbnn {

// The tensors and constants that a graph's nodes may name, by their indices.
struct GraphNames {
  std::unordered_map<std::string, int> tensors;
  std::unordered_map<std::string, int> constants;

  Status read_tensor(const Json& json, const std::string& where, int* index) const;
  Status read_constant(const Json& json, const std::string& where, int* index) const;
};

Status read_node(const GraphNames& names, const Json& json, const std::string& where, Node* node);

}  // namespace sbnn
