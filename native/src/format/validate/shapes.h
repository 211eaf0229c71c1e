// What a node yields of inputs of given shapes: the rules that the table names.
#pragma once

#include <string>
#include <vector>

#include "format/validate/checks.h"

namespace sbnn {

// `inputs` are what the operation reads, `filters` the output channels of its weight. All sizes are
// within their limits, so that no product below leaves int64.
Status yielded_shape(const Node& node, const std::vector<TensorSpec>& inputs, int64_t filters,
                     const std::string& where, Shape* shape);

// Whether a tensor of this shape is within the limits.
Status check_shape(const Shape& shape, const std::string& where);

}  // namespace sbnn
