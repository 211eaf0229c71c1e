// What makes a node's epilogue valid: constants of the right shapes, a shortcut that covers the
// output, thresholds of the right type.

#include <string>

#include "checks.h"

namespace sbnn {
namespace {

class EpilogueChecks {
 public:
  explicit EpilogueChecks(GraphChecks* checks) : checks_(*checks), constants_(checks->constants) {}

  Status check(const Node& node, const Shape& shape, const std::string& where) {
    if ((node.scale == kNone) != (node.shift == kNone)) {
      return refuse(where, "scale and shift go together");
    }
    if (node.scale != kNone) {
      SIGNBIT_TRY(
          constants_.per_channel(node.scale, DType::kF32, shape.channels, where + ".scale"));
      SIGNBIT_TRY(
          constants_.per_channel(node.shift, DType::kF32, shape.channels, where + ".shift"));
    }
    if (node.shortcut.tensor != kNone) {
      SIGNBIT_TRY(check_shortcut(node.shortcut, shape, where + ".shortcut"));
    }
    if ((node.slope != kNone) != (node.activation == Activation::kPrelu)) {
      return refuse(where + ".slope", "belongs to the activation prelu, and prelu needs it");
    }
    if (node.slope != kNone) {
      SIGNBIT_TRY(
          constants_.per_channel(node.slope, DType::kF32, shape.channels, where + ".slope"));
    }
    for (size_t i = 0; i < node.signs.size(); ++i) {
      SIGNBIT_TRY(check_signs(node, node.signs[i], shape.channels,
                              where + ".signs[" + std::to_string(i) + "]"));
    }
    if (node.op == Op::kMaxPool && checks_.tensor(node.input).kind == Kind::kBits)
      return check_bits_pool(node, where);
    return {};
  }

  Status check_shortcut(const Shortcut& shortcut, const Shape& shape,
                        const std::string& where) const {
    SIGNBIT_TRY(checks_.must_be_readable(shortcut.tensor, where + ".tensor"));
    const TensorSpec& spec = checks_.tensor(shortcut.tensor);
    if (spec.kind != Kind::kReal) return refuse(where + ".tensor", "must be a real tensor");
    SIGNBIT_TRY(in_range(shortcut.stride, 0, kMaxSize, where + ".stride"));
    SIGNBIT_TRY(in_range(shortcut.offset, 0, kMaxChannels, where + ".offset"));
    const Pair& stride = shortcut.stride;
    if (stride.y == 0 && stride.x == 0) {
      if (spec.height == 1 && spec.width == 1) return {};
      return refuse(where + ".stride", "[0, 0] broadcasts a 1x1 tensor, '" + spec.name + "' is " +
                                           text({spec.height, spec.width, spec.channels}));
    }
    if (stride.y == 0 || stride.x == 0) {
      return refuse(where + ".stride", "must be [0, 0] or positive");
    }
    if ((shape.height - 1) * stride.y >= spec.height ||
        (shape.width - 1) * stride.x >= spec.width) {
      return refuse(where + ".stride", "reads outside '" + spec.name + "'");
    }
    return {};
  }

  Status check_signs(const Node& node, const SignOutput& output, int64_t channels,
                     const std::string& where) {
    const DType dtype = constants_.at(output.threshold).dtype;
    const bool integer = checks_.is_integer(node) && dtype == DType::kI32;
    SIGNBIT_TRY(constants_.per_channel(output.threshold, integer ? DType::kI32 : DType::kF32,
                                       channels, where + ".threshold"));
    SIGNBIT_TRY(constants_.per_channel(output.flip, DType::kU8, channels, where + ".flip"));
    return constants_.zeros_and_ones(output.flip, where + ".flip");
  }

  Status check_bits_pool(const Node& node, const std::string& where) const {
    if (node.scale != kNone || node.shortcut.tensor != kNone ||
        node.activation != Activation::kNone || node.real != kNone) {
      return refuse(where, "max_pool of bits has signs and no other part of an epilogue");
    }
    for (size_t i = 0; i < node.signs.size(); ++i) {
      SIGNBIT_TRY(constants_.zeros(node.signs[i].threshold,
                                   where + ".signs[" + std::to_string(i) + "].threshold"));
    }
    return {};
  }

 private:
  GraphChecks& checks_;
  ConstantChecks& constants_;
};

}  // namespace

Status check_epilogue(const Node& node, const Shape& shape, const std::string& where,
                      GraphChecks* checks) {
  return EpilogueChecks(checks).check(node, shape, where);
}

}  // namespace sbnn
