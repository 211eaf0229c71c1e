#include "format/validate/shapes.h"

#include <algorithm>

#include "format/table.h"
#include "format/taps.h"

namespace sbnn {
namespace {

// Windows along an axis, of which there is at least one.
Status count_windows(const Axis& axis, bool ceil, const std::string& where, int64_t* count) {
  if (axis.room() < 0) return refuse(where + ".kernel", "does not fit into the input");
  *count = axis.outputs();
  if (ceil && axis.room() % axis.stride != 0) ++*count;
  const int64_t begin = (*count - 1) * axis.stride;
  if (ceil && begin >= axis.size + axis.before) --*count;
  return {};
}

Status windows(const Node& node, const Shape& input, const std::string& where, Shape* shape) {
  const bool ceil = node.keys.flag(Key::kCeil);
  SIGNBIT_TRY(count_windows(row_axis(node, input.height), ceil, where, &shape->height));
  return count_windows(column_axis(node, input.width), ceil, where, &shape->width);
}

// Of an average or a maximum: no window lies in the padding alone, nor with every tap around the
// input.
Status check_reaches_input(const Axis& axis, const std::string& where) {
  if (std::max(axis.before, axis.after) >= axis.kernel) {
    return refuse(where + ".padding", "must be less than the kernel on every side");
  }
  if (axis.kernel > 1 && axis.dilation > axis.size) {
    return refuse(where + ".dilation", "must be no more than the size of the input");
  }
  return {};
}

Status pooled(const Node& node, const Shape& input, const std::string& where, Shape* shape) {
  SIGNBIT_TRY(check_reaches_input(row_axis(node, input.height), where));
  SIGNBIT_TRY(check_reaches_input(column_axis(node, input.width), where));
  return windows(node, input, where, shape);
}

Status convolved(const Node& node, const Shape& input, const std::string& where, Shape* shape) {
  SIGNBIT_TRY(windows(node, input, where, shape));
  const Pair kernel = node.keys.pair(Key::kPoolKernel), stride = node.keys.pair(Key::kPoolStride);
  shape->height = Axis{shape->height, kernel.y, stride.y}.outputs();
  shape->width = Axis{shape->width, kernel.x, stride.x}.outputs();
  if (shape->height == 0 || shape->width == 0) {
    return refuse(where + ".pool_kernel", "does not fit into the dots");
  }
  return {};
}

Status joined(const std::vector<TensorSpec>& inputs, const std::string& where, Shape* shape) {
  shape->channels = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].height != shape->height || inputs[i].width != shape->width) {
      return refuse(where + ".inputs[" + std::to_string(i) + "]",
                    "has other pixels than the first input");
    }
    shape->channels += inputs[i].channels;
  }
  return {};
}

Status sliced(const Node& node, const Shape& input, const std::string& where, Shape* shape) {
  shape->channels = node.keys.integer(Key::kCount);
  const int64_t end = node.keys.integer(Key::kFirst) + shape->channels;
  if (end <= input.channels) return {};
  return refuse(where + ".count", "ends at channel " + text(end) + " of " + text(input.channels));
}

Status into_depth(int64_t block, const std::string& where, Shape* shape) {
  if (shape->height % block != 0 || shape->width % block != 0) {
    return refuse(where + ".block",
                  text(block) + " does not divide " + text(Pair{shape->height, shape->width}));
  }
  *shape = {shape->height / block, shape->width / block, shape->channels * block * block};
  return {};
}

Status out_of_depth(int64_t block, const std::string& where, Shape* shape) {
  if (shape->channels % (block * block) != 0) {
    return refuse(where + ".block",
                  "its square does not divide the " + text(shape->channels) + " channels");
  }
  *shape = {shape->height * block, shape->width * block, shape->channels / (block * block)};
  return {};
}

// So many rows of pixels of so many channels, of as many values as there are.
Status reshaped(const Node& node, const std::string& where, Shape* shape) {
  const int64_t values = shape->height * shape->width * shape->channels;
  shape->height = node.keys.integer(Key::kRows);
  shape->channels = node.keys.integer(Key::kCount);
  shape->width = values / (shape->height * shape->channels);
  if (shape->height * shape->width * shape->channels == values) return {};
  return refuse(where + ".count", "times " + text(shape->height) + " rows does not divide the " +
                                      text(values) + " values");
}

// A row's pixels by the other's, whose values to multiply are as many as the input's channels.
Status multiplied(const Node& node, const TensorSpec& other, const std::string& where,
                  Shape* shape) {
  const bool over_pixels = node.keys.flag(Key::kOverPixels);
  const int64_t terms = over_pixels ? other.width : other.channels;
  if (other.height != shape->height || terms != shape->channels) {
    return refuse(where + ".inputs[1]", "has " + text(terms) + " values to multiply in " +
                                            text(other.height) + " rows, the first input " +
                                            text(shape->channels) + " in " + text(shape->height));
  }
  shape->channels = over_pixels ? other.channels : other.width;
  return {};
}

}  // namespace

Status yielded_shape(const Node& node, const std::vector<TensorSpec>& inputs, int64_t filters,
                     const std::string& where, Shape* shape) {
  const Shape input = shape_of(inputs[0]);
  *shape = input;
  switch (row_of(node.op).shape) {
    case ShapeRule::kSame:
      return {};
    case ShapeRule::kConvolution:
      shape->channels = filters;
      return convolved(node, input, where, shape);
    case ShapeRule::kSums:
      shape->channels = node.keys.integer(Key::kGroups);
      return windows(node, input, where, shape);
    case ShapeRule::kWindow:
      return pooled(node, input, where, shape);
    case ShapeRule::kOneChannel:
      shape->channels = 1;
      return {};
    case ShapeRule::kOnePixel:
      *shape = {1, 1, input.channels};
      return {};
    case ShapeRule::kFlat:
      *shape = {1, 1, input.height * input.width * input.channels};
      return {};
    case ShapeRule::kConcat:
      return joined(inputs, where, shape);
    case ShapeRule::kSlice:
      return sliced(node, input, where, shape);
    case ShapeRule::kUpsample: {
      const Pair factor = node.keys.pair(Key::kFactor);
      shape->height *= factor.y;
      shape->width *= factor.x;
      return {};
    }
    case ShapeRule::kSpaceToDepth:
      return into_depth(node.keys.integer(Key::kBlock), where, shape);
    case ShapeRule::kDepthToSpace:
      return out_of_depth(node.keys.integer(Key::kBlock), where, shape);
    case ShapeRule::kTransposed:
      *shape = node.keys.flag(Key::kWholePixels) ? Shape{input.width, input.height, input.channels}
                                                 : Shape{input.height, input.channels, input.width};
      return {};
    case ShapeRule::kReshaped:
      return reshaped(node, where, shape);
    case ShapeRule::kProduct:
      return multiplied(node, inputs[1], where, shape);
  }
  return {};
}

Status check_shape(const Shape& shape, const std::string& where) {
  SIGNBIT_TRY(in_range(shape.height, 1, kMaxSize, where + ": height"));
  SIGNBIT_TRY(in_range(shape.width, 1, kMaxSize, where + ": width"));
  SIGNBIT_TRY(in_range(shape.channels, 1, kMaxChannels, where + ": channels"));
  if (shape.height * shape.width * shape.channels <= kMaxElements) return {};
  return refuse(where, "has more than " + text(kMaxElements) + " elements");
}

}  // namespace sbnn
