// What a finished plan holds: the truth that estimates are measured by.
#pragma once

#include "plan/plan.h"

namespace sbnn {

// Bytes of all constants, tables and lists of a node's plan.
int64_t held_bytes(const NodePlan& node);

}  // namespace sbnn
