// Files loaded at another height and width of their images than their own.

#pragma once

#include "format/graph.h"

namespace sbnn {

// Images of the size that a caller asks for, which only a file of any size leaves open; whether the
// size is within its limits is for validate(). {0, 0} is the file's own.
Status set_input_size(Pair size, Graph* graph);

// read_model, but a size that a valid file cannot have is refused with kInput: the message says
// what does not fit, and which square images would.
Status read_at_size(const uint8_t* data, size_t size, Pair input_size, Graph* graph);

}  // namespace sbnn
