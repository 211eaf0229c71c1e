// What a node reads: the tensors are there, of kinds that its operation and its steps read.
#pragma once

#include <string>
#include <vector>

#include "format/graph.h"

namespace sbnn {

// `tensors` are those that there are before the node. Fills in the node's arity and its inputs.
Status read_inputs(const std::vector<TensorSpec>& tensors, const std::string& where, Node* node,
                   std::vector<TensorSpec>* inputs);

}  // namespace sbnn
