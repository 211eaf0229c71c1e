// One node of the graph's JSON text: which keys its operation and its steps have, of which types
// and in which ranges, all by the table. What the values mean is validate/'s.
#pragma once

#include <string>
#include <unordered_map>

#include "format/graph.h"
#include "format/json.h"

namespace sbnn {

// Name of a tensor of the file → its index in Graph::constants.
using ConstantIndices = std::unordered_map<std::string, int>;

Status read_node(const ConstantIndices& constants, const Json& json, const std::string& where,
                 Node* node);

// A constant's number as its index, or lacking().
Status read_constant(const ConstantIndices& constants, const Json& json, const std::string& where,
                     int* index);

// The number of a tensor of the graph; one that cannot be is kNone.
Status read_tensor(const Json& json, const std::string& where, int* number);

}  // namespace sbnn
