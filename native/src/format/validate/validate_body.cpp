// What makes a node's body valid: its input, its windows, its weights; and the shape it yields.

#include <string>
#include <vector>

#include "format/validate/checks.h"

namespace sbnn {
namespace {

class BodyChecks {
 public:
  explicit BodyChecks(GraphChecks* checks) : checks_(*checks), constants_(checks->constants) {}

  Status check_input_kind(const Node& node, const TensorSpec& source,
                          const std::string& where) const {
    const char* wanted = nullptr;
    const bool image = source.kind == Kind::kImage;
    const bool bits = source.kind == Kind::kBits;
    switch (node.op) {
      case Op::kRealConv:
        break;
      case Op::kPointwise:
        if (bits) wanted = "image or real";
        break;
      case Op::kBinaryConv:
      case Op::kSignSum:
        if (!bits) wanted = "bits";
        break;
      case Op::kMaxPool:
        if (image) wanted = "real or bits";
        break;
      case Op::kAvgPool:
      case Op::kGlobalMean:
      case Op::kMeanAbs:
        if (image || bits) wanted = "real";
        break;
    }
    if (wanted == nullptr) return {};
    return refuse(where + ".input", std::string(op_name(node.op)) + " reads " + wanted + ", '" +
                                        source.name + "' is " + kind_name(source.kind));
  }

  Status derive_shape(const Node& node, const TensorSpec& source, const std::string& where,
                      Shape* shape) {
    *shape = {source.height, source.width, source.channels};
    switch (node.op) {
      case Op::kGlobalMean:
        shape->height = shape->width = 1;
        return {};
      case Op::kPointwise:
        return {};
      case Op::kMeanAbs:
        shape->channels = 1;
        return {};
      case Op::kRealConv:
      case Op::kBinaryConv:
        SIGNBIT_TRY(check_convolution(node, source, where, &shape->channels));
        break;
      case Op::kSignSum:
        SIGNBIT_TRY(check_groups(node, source, where));
        SIGNBIT_TRY(check_dot(node, taps_of(node, source), where));
        shape->channels = node.groups;
        break;
      case Op::kMaxPool:
        if (node.padding.y >= node.kernel.y || node.padding.x >= node.kernel.x) {
          return refuse(where + ".padding", "must be less than the kernel, or a window is empty");
        }
        break;
      case Op::kAvgPool:
        break;
    }
    SIGNBIT_TRY(slide_window(node.kernel, node.stride, node.padding, node.dilation, where, shape));
    if (!node.has_pool) return {};
    return slide_window(node.pool.kernel, node.pool.stride, {0, 0}, {1, 1}, where + ".pool", shape);
  }

  static Status slide_window(const Pair& kernel, const Pair& stride, const Pair& padding,
                             const Pair& dilation, const std::string& where, Shape* shape) {
    SIGNBIT_TRY(in_range(kernel, 1, kMaxSize, where + ".kernel"));
    SIGNBIT_TRY(in_range(stride, 1, kMaxSize, where + ".stride"));
    SIGNBIT_TRY(in_range(padding, 0, kMaxSize, where + ".padding"));
    SIGNBIT_TRY(in_range(dilation, 1, kMaxSize, where + ".dilation"));
    const int64_t height = output_size(shape->height, kernel.y, stride.y, padding.y, dilation.y);
    const int64_t width = output_size(shape->width, kernel.x, stride.x, padding.x, dilation.x);
    if (height < 1 || width < 1) {
      return refuse(where + ".kernel",
                    "does not fit into (" + text(shape->height) + ", " + text(shape->width) + ")");
    }
    shape->height = height;
    shape->width = width;
    return {};
  }

  // The kernel and the groups, which then give the taps of one dot product.
  static Status check_groups(const Node& node, const TensorSpec& source, const std::string& where) {
    SIGNBIT_TRY(in_range(node.kernel, 1, kMaxSize, where + ".kernel"));
    SIGNBIT_TRY(in_range(node.groups, 1, kMaxChannels, where + ".groups"));
    if (source.channels % node.groups == 0) return {};
    return refuse(where + ".groups", text(node.groups) + " does not divide the " +
                                         text(source.channels) + " input channels");
  }
  static int64_t taps_of(const Node& node, const TensorSpec& source) {
    return node.kernel.y * node.kernel.x * (source.channels / node.groups);
  }

  Status check_convolution(const Node& node, const TensorSpec& source, const std::string& where,
                           int64_t* channels) {
    SIGNBIT_TRY(check_groups(node, source, where));
    const bool packed =
        node.op == Op::kBinaryConv || constants_.at(node.weight).dtype == DType::kU64;
    SIGNBIT_TRY(packed ? check_packed_weights(node, taps_of(node, source), where)
                       : check_real_weights(node, source, where));
    if (node.op == Op::kBinaryConv) {
      SIGNBIT_TRY(check_dot(node, taps_of(node, source), where));
    }
    const std::vector<int64_t>& weight = constants_.at(node.weight).shape;
    const bool integer = node.op == Op::kRealConv && checks_.is_integer(node);
    if (node.pad_value != kNone) {
      SIGNBIT_TRY(constants_.per_channel(node.pad_value, integer ? DType::kU8 : DType::kF32,
                                         source.channels, where + ".pad_value"));
    }
    *channels = weight[0];
    SIGNBIT_TRY(in_range(*channels, 1, kMaxChannels, where + ".weight: output channels"));
    if (*channels % node.groups != 0) {
      return refuse(where + ".groups", text(node.groups) + " does not divide the " +
                                           text(*channels) + " output channels");
    }
    return {};
  }

  // Of float32 or int16.
  Status check_real_weights(const Node& node, const TensorSpec& source, const std::string& where) {
    const bool integer = checks_.is_integer(node);
    SIGNBIT_TRY(
        constants_.use(node.weight, integer ? DType::kI16 : DType::kF32, where + ".weight"));
    const std::vector<int64_t>& weight = constants_.at(node.weight).shape;
    const int64_t group_channels = source.channels / node.groups;
    if (weight.size() != 4 || weight[1] != node.kernel.y || weight[2] != node.kernel.x ||
        weight[3] != group_channels) {
      return refuse(where + ".weight", "must have shape (out, " + text(node.kernel.y) + ", " +
                                           text(node.kernel.x) + ", " + text(group_channels) + ")");
    }
    return integer ? check_pixel_weights(node, source, where) : Status();
  }

  // Signs, whose unused bits are 0.
  Status check_packed_weights(const Node& node, int64_t taps, const std::string& where) {
    SIGNBIT_TRY(in_range(taps, 1, kMaxTaps, where + ": taps of one dot product"));
    SIGNBIT_TRY(constants_.use(node.weight, DType::kU64, where + ".weight"));
    const std::vector<int64_t>& weight = constants_.at(node.weight).shape;
    const int64_t words = (taps + 63) / 64;
    if (weight.size() != 2 || weight[1] != words) {
      return refuse(where + ".weight", "must have shape (out, " + text(words) + ")");
    }
    return constants_.unused_bits_are_zero(node.weight, taps, where + ".weight");
  }

  Status check_pixel_weights(const Node& node, const TensorSpec& source,
                             const std::string& where) const {
    if (source.kind != Kind::kImage) {
      return refuse(where + ".input", std::string("int16 weights read pixels, '") + source.name +
                                          "' is " + kind_name(source.kind));
    }
    return constants_.pixel_weights(node.weight, where + ".weight");
  }

  // A dot of signs, or their sum, is exact, and all grouped readers of a bits tensor agree.
  Status check_dot(const Node& node, int64_t taps, const std::string& where) {
    SIGNBIT_TRY(in_range(taps, 1, kMaxTaps, where + ": taps of one dot product"));
    if (node.groups == 1) return {};
    const int64_t groups = checks_.groups.emplace(node.input, node.groups).first->second;
    if (groups == node.groups) return {};
    return refuse(where + ".groups", "'" + checks_.tensor(node.input).name +
                                         "' is read by another node in " + text(groups) +
                                         " groups");
  }

 private:
  GraphChecks& checks_;
  ConstantChecks& constants_;
};

}  // namespace

Status check_body(const Node& node, const std::string& where, GraphChecks* checks, Shape* shape) {
  const TensorSpec& source = checks->tensor(node.input);
  BodyChecks body(checks);
  SIGNBIT_TRY(body.check_input_kind(node, source, where));
  return body.derive_shape(node, source, where, shape);
}

}  // namespace sbnn
