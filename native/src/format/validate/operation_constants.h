// What the constants of an operation must be: dtypes as the table says, shapes by the rules it
// names.
#pragma once

#include <string>

#include "format/validate/constants.h"

namespace sbnn {

// What is known of a node's constants once they are checked.
struct OperationConstants {
  int64_t filters = 0;         // of its weight; without one, the channels of its first input
  DType weight = DType::kF32;  // where it has one
};

Status check_constants(const Node& node, const TensorSpec& source, const std::string& where,
                       Constants* constants, OperationConstants* known);

}  // namespace sbnn
