// A chain of steps made ready to run one after the other over a tile's values.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/memory.h"
#include "plan/fused_graph.h"

namespace sbnn {

struct SignPlan {
  AlignedArray<float> threshold;  // one of these two is empty
  AlignedArray<int32_t> integer_threshold;
  AlignedArray<uint64_t> flip;

  int64_t bytes() const {
    return static_cast<int64_t>(threshold.bytes() + integer_threshold.bytes() + flip.bytes());
  }
};

// How a step reads another tensor, see docs/format.md, "The operand".
struct OperandPlan {
  int tensor = kNone;
  Pair every{1, 1};
  int64_t offset = 0;
  Repeat repeat = Repeat::kNone;
};

// A shift by border: at output (y, x) the row by_row[y] + by_column[x] of floats.
struct BorderShift {
  AlignedArray<float> rows;
  std::vector<int64_t> by_row, by_column;
};

struct StepPlan {
  StepOp op = StepOp{};
  AlignedArray<float> first, second;  // constants by channel, see StepArgs; empty where absent
  OperandPlan operand;
  BorderShift border;

  int64_t bytes() const {
    return static_cast<int64_t>(first.bytes() + second.bytes() + border.rows.bytes());
  }
};

struct StorePlan {
  int after = 0;  // steps
  int tensor = kNone;
  SignPlan sign;  // empty where it is reals
};

struct ChainPlan {
  std::vector<StepPlan> steps;
  std::vector<StorePlan> stores;  // by `after`
};

struct NodePlan;

SignPlan plan_sign(const FusedGraph& graph, int threshold, int flip, int64_t channels);
ChainPlan plan_chain(const FusedGraph& graph, const NodePlan& plan);

// The place among a file's tap sets of each output's along an axis.
std::vector<int64_t> tap_sets(const Axis& axis, const std::vector<TapRange>& sets);

}  // namespace sbnn
