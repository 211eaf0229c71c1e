// What makes map valid, and the keys that only a binary convolution's dots have: sums, shift by
// border.

#include <string>

#include "format/borders.h"
#include "format/validate/checks.h"

namespace sbnn {
namespace {

// A real tensor of this shape that an earlier node has written; `key` does not go with a pool.
Status check_operand(const Node& node, int tensor, const Shape& expected, const std::string& where,
                     const std::string& of, const GraphChecks& checks) {
  SIGNBIT_TRY(checks.must_be_readable(tensor, of));
  if (node.has_pool) return refuse(where, "does not go with pool");
  const TensorSpec& spec = checks.tensor(tensor);
  if (spec.kind != Kind::kReal) {
    return refuse(of, std::string("must be real, is ") + kind_name(spec.kind));
  }
  const Shape given{spec.height, spec.width, spec.channels};
  if (given.height == expected.height && given.width == expected.width &&
      given.channels == expected.channels) {
    return {};
  }
  return refuse(of, "'" + spec.name + "' must be " + text(expected) + ", is " + text(given));
}

}  // namespace

Status check_dots(const Node& node, const Shape& shape, const std::string& where,
                  GraphChecks* checks) {
  if (node.map != kNone) {
    const std::string of = where + ".map";
    SIGNBIT_TRY(check_operand(node, node.map, {shape.height, shape.width, 1}, of, of, *checks));
  }
  if (node.sums.tensor == kNone) return {};
  const std::string of = where + ".sums";
  SIGNBIT_TRY(check_operand(node, node.sums.tensor, {shape.height, shape.width, node.groups}, of,
                            of + ".tensor", *checks));
  return checks->constants.per_channel(node.sums.scale, DType::kF32, shape.channels, of + ".scale");
}

Status check_border_shift(const Node& node, const Shape& shape, const std::string& where,
                          GraphChecks* checks) {
  if (node.has_pool) return refuse(where, "by border does not go with pool");
  SIGNBIT_TRY(checks->constants.use(node.shift, DType::kF32, where));
  const TensorSpec& input = checks->tensor(node.input);
  const AxisPatterns rows(row_axis(node, input.height));
  const AxisPatterns columns(column_axis(node, input.width));
  const Shape expected{static_cast<int64_t>(rows.taps.size()),
                       static_cast<int64_t>(columns.taps.size()), shape.channels};
  const Constant& shift = checks->constants.at(node.shift);
  if (shift.shape[0] == expected.height && shift.shape[1] == expected.width &&
      shift.shape[2] == expected.channels) {
    return {};
  }
  return refuse(where, "'" + shift.name + "' must have shape " + text(expected) + " or (" +
                           text(shape.channels) + ",)");
}

}  // namespace sbnn
