// What makes a node's epilogue valid: constants of the right shapes, a shortcut that covers the
// output, thresholds of the right type.

#include <string>

#include "format/validate/checks.h"

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
      SIGNBIT_TRY(by_channel(node.scale, shape, where + ".scale"));
      SIGNBIT_TRY(checks_.graph.has_border_shift(node)
                      ? check_border_shift(node, shape, where + ".shift", &checks_)
                      : by_channel(node.shift, shape, where + ".shift"));
    }
    if (node.shortcut.tensor != kNone) {
      SIGNBIT_TRY(check_shortcut(node.shortcut, shape, where + ".shortcut"));
    }
    const bool maxout = node.activation == Activation::kMaxout;
    if ((node.slope != kNone) != (maxout || node.activation == Activation::kPrelu)) {
      return refuse(where + ".slope", "belongs to the activations prelu and maxout, which need it");
    }
    if ((node.positive_slope != kNone) != maxout) {
      return refuse(where + ".positive_slope", "belongs to the activation maxout, which needs it");
    }
    SIGNBIT_TRY(by_channel(node.slope, shape, where + ".slope"));
    SIGNBIT_TRY(by_channel(node.positive_slope, shape, where + ".positive_slope"));
    SIGNBIT_TRY(by_channel(node.offset, shape, where + ".offset"));
    for (size_t i = 0; i < node.signs.size(); ++i) {
      SIGNBIT_TRY(check_signs(node, node.signs[i], shape.channels,
                              where + ".signs[" + std::to_string(i) + "]"));
    }
    if (node.op == Op::kMaxPool && checks_.tensor(node.input).kind == Kind::kBits)
      return check_bits_pool(node, where);
    return {};
  }

  // A constant by channel, if there is one.
  Status by_channel(int constant, const Shape& shape, const std::string& where) {
    if (constant == kNone) return {};
    return constants_.per_channel(constant, DType::kF32, shape.channels, where);
  }

  Status check_shortcut(const Shortcut& shortcut, const Shape& shape,
                        const std::string& where) const {
    SIGNBIT_TRY(checks_.must_be_readable(shortcut.tensor, where + ".tensor"));
    const TensorSpec& spec = checks_.tensor(shortcut.tensor);
    if (spec.kind != Kind::kReal) return refuse(where + ".tensor", "must be a real tensor");
    SIGNBIT_TRY(in_range(shortcut.stride, 0, kMaxSize, where + ".stride"));
    SIGNBIT_TRY(in_range(shortcut.offset, 0, kMaxChannels, where + ".offset"));
    if (shortcut.repeat && shortcut.offset != 0) {
      return refuse(where + ".offset", "must be 0 with repeat");
    }
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
    const bool reals_decide =
        node.map != kNone || node.sums.tensor != kNone || checks_.graph.has_border_shift(node);
    const bool integer = checks_.is_integer(node) && !reals_decide && dtype == DType::kI32;
    SIGNBIT_TRY(constants_.per_channel(output.threshold, integer ? DType::kI32 : DType::kF32,
                                       channels, where + ".threshold"));
    SIGNBIT_TRY(constants_.per_channel(output.flip, DType::kU8, channels, where + ".flip"));
    return constants_.zeros_and_ones(output.flip, where + ".flip");
  }

  Status check_bits_pool(const Node& node, const std::string& where) const {
    if (node.scale != kNone || node.shortcut.tensor != kNone ||
        node.activation != Activation::kNone || node.offset != kNone || node.real != kNone) {
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
