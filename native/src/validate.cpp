// What makes a graph and its constants valid: order, ranges, shapes, bits and values. Every shape
// is derived again from the nodes and compared with what the file declares.

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "checks.h"

namespace sbnn {
namespace {

class Validator {
 public:
  explicit Validator(const Graph& graph)
      : graph_(graph), readable_(graph.tensors.size(), false), constants_(graph) {}

  Status run() {
    SIGNBIT_TRY(check_tensors());
    SIGNBIT_TRY(in_range(static_cast<int64_t>(graph_.nodes.size()), 1, kMaxItems, "nodes"));
    std::unordered_set<std::string> names;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      const std::string where = "nodes[" + std::to_string(i) + "] ('" + node.name + "')";
      if (!names.insert(node.name).second) {
        return refuse(where + ".name", "is used by an earlier node");
      }
      SIGNBIT_TRY(check_node(node, where));
    }
    for (size_t i = 0; i < readable_.size(); ++i) {
      if (!readable_[i])
        return refuse("tensors", "no node writes '" + graph_.tensors[i].name + "'");
    }
    SIGNBIT_TRY(constants_.all_used());
    return check_output();
  }

 private:
  const TensorSpec& tensor(int index) const { return graph_.tensors[static_cast<size_t>(index)]; }

  Status check_tensors() {
    SIGNBIT_TRY(in_range(static_cast<int64_t>(graph_.tensors.size()), 1, kMaxItems, "tensors"));
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      const TensorSpec& spec = graph_.tensors[i];
      const std::string where = "tensors[" + std::to_string(i) + "] ('" + spec.name + "')";
      SIGNBIT_TRY(in_range(spec.height, 1, kMaxSize, where + ".height"));
      SIGNBIT_TRY(in_range(spec.width, 1, kMaxSize, where + ".width"));
      SIGNBIT_TRY(in_range(spec.channels, 1, kMaxChannels, where + ".channels"));
      if (spec.height * spec.width * spec.channels > kMaxElements) {
        return refuse(where, "has more than " + text(kMaxElements) + " elements");
      }
      if ((spec.kind == Kind::kImage) != (static_cast<int>(i) == graph_.input)) {
        return refuse("input.tensor", "must name the one tensor of kind image");
      }
    }
    readable_[static_cast<size_t>(graph_.input)] = true;
    return {};
  }

  Status check_output() const {
    const TensorSpec& output = tensor(graph_.output);
    if (output.kind != Kind::kReal) return refuse("output", "must name a real tensor");
    const auto classes = static_cast<int64_t>(graph_.classes.size());
    if (classes != 0 && classes != output.channels) {
      return refuse("classes", "has " + text(classes) + " names, the output has " +
                                   text(output.channels) + " channels");
    }
    return {};
  }

  Status check_node(const Node& node, const std::string& where) {
    SIGNBIT_TRY(check_readable(node.input, where + ".input"));
    const TensorSpec& source = tensor(node.input);
    SIGNBIT_TRY(check_input_kind(node, source, where));
    Shape shape{};
    SIGNBIT_TRY(derive_shape(node, source, where, &shape));
    SIGNBIT_TRY(check_epilogue(node, source, shape, where));
    if (node.real == kNone && node.signs.empty()) {
      return refuse(where, "has neither real nor signs");
    }
    if (node.real != kNone) {
      SIGNBIT_TRY(write_tensor(node.real, Kind::kReal, shape, where + ".real"));
    }
    for (size_t i = 0; i < node.signs.size(); ++i) {
      SIGNBIT_TRY(write_tensor(node.signs[i].tensor, Kind::kBits, shape,
                               where + ".signs[" + std::to_string(i) + "].tensor"));
    }
    return {};
  }

  Status check_readable(int index, const std::string& where) const {
    if (readable_[static_cast<size_t>(index)]) return {};
    return refuse(where, "reads '" + tensor(index).name + "', which no earlier node has written");
  }

  Status check_input_kind(const Node& node, const TensorSpec& source,
                          const std::string& where) const {
    const char* wanted = nullptr;
    const bool image = source.kind == Kind::kImage;
    const bool bits = source.kind == Kind::kBits;
    switch (node.op) {
      case Op::kRealConv:
      case Op::kPointwise:
        if (bits) wanted = "image or real";
        break;
      case Op::kBinaryConv:
        if (!bits) wanted = "bits";
        break;
      case Op::kMaxPool:
        if (image) wanted = "real or bits";
        break;
      case Op::kAvgPool:
      case Op::kGlobalMean:
        if (image || bits) wanted = "real";
        break;
    }
    if (wanted == nullptr) return {};
    return refuse(where + ".input", std::string(op_name(node.op)) + " reads " + wanted + ", '" +
                                        source.name + "' is " + kind_name(source.kind));
  }

  Status write_tensor(int index, Kind kind, const Shape& shape, const std::string& where) {
    const TensorSpec& spec = tensor(index);
    if (readable_[static_cast<size_t>(index)]) {
      return refuse(where, "'" + spec.name + "' is written already");
    }
    if (spec.kind != kind) {
      return refuse(where, std::string("writes ") + kind_name(kind) + ", '" + spec.name + "' is " +
                               kind_name(spec.kind));
    }
    const Shape declared{spec.height, spec.width, spec.channels};
    if (declared.height != shape.height || declared.width != shape.width ||
        declared.channels != shape.channels) {
      return refuse(where, "the node yields " + text(shape) + ", '" + spec.name +
                               "' is declared as " + text(declared));
    }
    readable_[static_cast<size_t>(index)] = true;
    return {};
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
      case Op::kRealConv:
      case Op::kBinaryConv:
        SIGNBIT_TRY(check_convolution(node, source, where, &shape->channels));
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

  Status check_convolution(const Node& node, const TensorSpec& source, const std::string& where,
                           int64_t* channels) {
    SIGNBIT_TRY(in_range(node.kernel, 1, kMaxSize, where + ".kernel"));
    SIGNBIT_TRY(in_range(node.groups, 1, kMaxChannels, where + ".groups"));
    if (source.channels % node.groups != 0) {
      return refuse(where + ".groups", text(node.groups) + " does not divide the " +
                                           text(source.channels) + " input channels");
    }
    const int64_t group_channels = source.channels / node.groups;
    const std::vector<int64_t>& weight = constants_.at(node.weight).shape;
    if (node.op == Op::kRealConv) {
      SIGNBIT_TRY(constants_.use(node.weight, DType::kF32, where + ".weight"));
      if (weight.size() != 4 || weight[1] != node.kernel.y || weight[2] != node.kernel.x ||
          weight[3] != group_channels) {
        return refuse(where + ".weight", "must have shape (out, " + text(node.kernel.y) + ", " +
                                             text(node.kernel.x) + ", " + text(group_channels) +
                                             ")");
      }
    } else {
      const int64_t taps = node.kernel.y * node.kernel.x * group_channels;
      SIGNBIT_TRY(in_range(taps, 1, kMaxTaps, where + ": taps of one dot product"));
      SIGNBIT_TRY(constants_.use(node.weight, DType::kU64, where + ".weight"));
      const int64_t words = (taps + 63) / 64;
      if (weight.size() != 2 || weight[1] != words) {
        return refuse(where + ".weight", "must have shape (out, " + text(words) + ")");
      }
      SIGNBIT_TRY(check_bits(node, taps, where));
    }
    if (node.pad_value != kNone) {
      SIGNBIT_TRY(constants_.per_channel(node.pad_value, DType::kF32, source.channels,
                                         where + ".pad_value"));
    }
    *channels = weight[0];
    SIGNBIT_TRY(in_range(*channels, 1, kMaxChannels, where + ".weight: output channels"));
    if (*channels % node.groups != 0) {
      return refuse(where + ".groups", text(node.groups) + " does not divide the " +
                                           text(*channels) + " output channels");
    }
    return {};
  }

  // Unused weight bits are 0, and all grouped readers of a bits tensor agree.
  Status check_bits(const Node& node, int64_t taps, const std::string& where) {
    SIGNBIT_TRY(constants_.unused_bits_are_zero(node.weight, taps, where + ".weight"));
    if (node.groups > 1) {
      const int64_t groups = groups_.emplace(node.input, node.groups).first->second;
      if (groups != node.groups) {
        return refuse(where + ".groups", "'" + tensor(node.input).name +
                                             "' is read by another convolution of " + text(groups) +
                                             " groups");
      }
    }
    return {};
  }

  Status check_epilogue(const Node& node, const TensorSpec& source, const Shape& shape,
                        const std::string& where) {
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
    if (node.op == Op::kMaxPool && source.kind == Kind::kBits) return check_bits_pool(node, where);
    return {};
  }

  Status check_shortcut(const Shortcut& shortcut, const Shape& shape,
                        const std::string& where) const {
    SIGNBIT_TRY(check_readable(shortcut.tensor, where + ".tensor"));
    const TensorSpec& spec = tensor(shortcut.tensor);
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
    const bool integer = node.op == Op::kBinaryConv && dtype == DType::kI32;
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

  const Graph& graph_;
  std::vector<bool> readable_;  // the image, and what earlier nodes wrote
  ConstantChecks constants_;
  std::unordered_map<int, int64_t> groups_;  // of the grouped convolutions that read a tensor
};

}  // namespace

Status validate(const Graph& graph) { return Validator(graph).run(); }

}  // namespace sbnn
