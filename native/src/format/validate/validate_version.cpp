// Whether a graph says the format version that its parts need; version 1 has all other parts.

#include <string>

#include "format/validate/checks.h"

namespace sbnn {
namespace {

// The first part of a node that version 2 lacks; null where it has none.
const char* part_of_3(const Node& node, const GraphChecks& checks) {
  if (node.map != kNone) return "map";
  if (node.sums.tensor != kNone) return "sums";
  if (node.positive_slope != kNone) return "positive_slope";
  if (node.offset != kNone) return "offset";
  if (node.op == Op::kSignSum) return "op sign_sum";
  if (node.op == Op::kMeanAbs) return "op mean_abs";
  if (node.activation == Activation::kMaxout) return "activation maxout";
  if (node.shortcut.repeat) return "shortcut.repeat";
  if (checks.graph.has_border_shift(node)) return "shift by border";
  if (node.op == Op::kRealConv) {
    if (checks.tensor(node.input).kind == Kind::kBits) return "input of bits";
    if (checks.constants.at(node.weight).dtype == DType::kU64) return "weight of U64";
  }
  return nullptr;
}

Status refuse_version(const std::string& part, int64_t needed, int64_t given) {
  return refuse("format", part + " needs version " + text(needed) + ", is " + text(given));
}

}  // namespace

Status check_version(const Node& node, const std::string& where, const GraphChecks& checks) {
  const int64_t version = checks.graph.format;
  if (version < 2 && node.weight != kNone &&
      checks.constants.at(node.weight).dtype == DType::kI16) {
    return refuse_version(where + ".weight of I16", 2, version);
  }
  const char* part = version < 3 ? part_of_3(node, checks) : nullptr;
  return part == nullptr ? Status() : refuse_version(where + "." + part, 3, version);
}

}  // namespace sbnn
