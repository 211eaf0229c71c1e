// Validity of one step: the tensor that it reads, where it reads it, and its constants.
#pragma once

#include <string>
#include <vector>

#include "format/validate/checks.h"
#include "format/validate/constants.h"

namespace sbnn {

// Checks a step of a node that yields `shape`; `inputs` are all that the node reads.
Status check_step(const Node& node, const Step& step, const std::vector<TensorSpec>& inputs,
                  const Shape& shape, const std::string& where, Constants* constants);

}  // namespace sbnn
