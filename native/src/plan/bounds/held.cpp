#include "plan/bounds/held.h"

namespace sbnn {
namespace {

template <typename T>
int64_t bytes_of(const AlignedArray<T>& array) {
  return array.empty() ? 0 : static_cast<int64_t>(array.bytes() + kSlackBytes);
}

template <typename T>
int64_t bytes_of(const std::vector<T>& list) {
  return static_cast<int64_t>(list.size() * sizeof(T));
}

int64_t bytes_of(const SignPlan& sign) {
  return bytes_of(sign.threshold) + bytes_of(sign.integer_threshold) + bytes_of(sign.flip);
}

int64_t bytes_of(const BinaryConvPlan& conv) {
  return bytes_of(conv.gather.pieces) + bytes_of(conv.offsets) + bytes_of(conv.weights) +
         bytes_of(conv.base) + bytes_of(conv.row_base) + bytes_of(conv.column_base) +
         bytes_of(conv.same_until);
}

int64_t bytes_of(const RealConvPlan& conv) {
  return bytes_of(conv.offsets) + bytes_of(conv.offsets_in_place) + bytes_of(conv.tracks) +
         bytes_of(conv.weights) + bytes_of(conv.panel.pad_reals) + bytes_of(conv.panel.pad_pixels) +
         bytes_of(conv.panel.pad_bytes);
}

int64_t bytes_of(const StepPlan& step) {
  return bytes_of(step.first) + bytes_of(step.second) + bytes_of(step.border.rows) +
         bytes_of(step.border.by_row) + bytes_of(step.border.by_column);
}

}  // namespace

int64_t held_bytes(const NodePlan& node) {
  int64_t bytes = sizeof(NodePlan) + bytes_of(node.chunks) + bytes_of(node.blocks);
  for (const AlignedArray<float>* constant :
       {&node.scale, &node.shift, &node.slope, &node.positive_slope, &node.offset}) {
    bytes += bytes_of(*constant);
  }
  bytes += bytes_of(node.constants);
  for (const KeyConstant& own : node.constants) bytes += bytes_of(own.values);
  for (const SignPlan& sign : node.signs) bytes += bytes_of(sign);
  bytes += bytes_of(node.chain.steps);
  for (const StepPlan& step : node.chain.steps) bytes += bytes_of(step);
  bytes += bytes_of(node.chain.stores);
  for (const StorePlan& store : node.chain.stores) bytes += bytes_of(store.sign);
  return bytes + bytes_of(node.binary) + bytes_of(node.real);
}

}  // namespace sbnn
