// The steps and outputs of a node that GraphWriter writes.

#include "format/taps.h"
#include "graph_writer.h"

namespace fuzz {

using sbnn::Key;
using sbnn::Kind;
using sbnn::StepOp;
using sbnn::TensorSpec;

namespace {

std::string text(int64_t value) { return std::to_string(value); }

std::string sets_of(const std::vector<sbnn::TapRange>& sets) {
  std::string items;
  for (const sbnn::TapRange& set : sets) {
    items += (items.empty() ? "" : ",") + list({set.first, set.last});
  }
  return "[" + items + "]";
}

}  // namespace

// Where a convolution's dots are not pooled, a shift may depend on the border.
std::string GraphWriter::affine(const Draft& draft, const TensorSpec& shape) {
  const sbnn::Pair pool = draft.node.keys.pair(Key::kPoolKernel);
  const bool may = draft.node.op == sbnn::Op::kBinaryConv && pool.y == 1 && pool.x == 1;
  const std::string scale = field("scale", text(constants_.floats({shape.channels})));
  if (!may || draws_.chance(2)) {
    return scale + field("shift", text(constants_.floats({shape.channels})));
  }
  const TensorSpec& input = draft.inputs[0];
  const sbnn::AxisTaps rows(row_axis(draft.node, input.height));
  const sbnn::AxisTaps columns(column_axis(draft.node, input.width));
  const auto row_count = static_cast<int64_t>(rows.sets.size());
  const auto column_count = static_cast<int64_t>(columns.sets.size());
  return scale +
         field("shift", text(constants_.floats({row_count, column_count, shape.channels}))) +
         field("row_taps", sets_of(rows.sets)) + field("column_taps", sets_of(columns.sets));
}

// An operand of any real tensor whose pixels fit.
std::string GraphWriter::operand(Draft* draft, const TensorSpec& shape, bool* fits) {
  const int number = pick({Kind::kReal});
  *fits = false;
  if (number == sbnn::kNone) return "";
  const TensorSpec& read = tensors_[static_cast<size_t>(number)];
  std::string keys = field("input", text(static_cast<int64_t>(draft->node.inputs.size())));
  if (read.height == 1 && read.width == 1 && draws_.chance(2)) {
    keys += field("every", "[0,0]");
  } else if (shape.height <= read.height && shape.width <= read.width) {
    const int64_t y = shape.height == 1 ? 1 : (read.height - 1) / (shape.height - 1);
    const int64_t x = shape.width == 1 ? 1 : (read.width - 1) / (shape.width - 1);
    if (draws_.chance(2)) keys += field("every", list({y, x}));
  } else {
    return "";
  }
  if (shape.channels % read.channels == 0 && draws_.chance(2)) {
    keys += field("repeat", draws_.chance(2) ? "\"each\"" : "\"tile\"");
  } else if (draws_.chance(3)) {
    keys += field("offset", text(draws_.between(0, shape.channels)));
  }
  draft->node.inputs.push_back(number);
  *fits = true;
  return keys;
}

std::string GraphWriter::step(Draft* draft, const TensorSpec& shape) {
  const auto op =
      static_cast<StepOp>(draws_.between(0, static_cast<int64_t>(sbnn::step_names().size()) - 1));
  const sbnn::StepRow& row = sbnn::row_of(op);
  std::string keys;
  if (op == StepOp::kAffine) {
    keys = affine(*draft, shape);
  } else if (sbnn::has_key(op, Key::kInput)) {
    bool fits = false;
    keys = operand(draft, shape, &fits);
    if (!fits) return "";
    if (op == StepOp::kAdd && draws_.chance(3)) {
      keys += field("weighted", text(constants_.floats({shape.channels})));
    }
  } else {
    for (size_t i = 0; i < row.key_count; ++i) {
      keys += field(sbnn::row_of(row.keys[i]).name, text(constants_.floats({shape.channels})));
    }
  }
  return "{\"op\":\"" + std::string(row.name) + "\"" + keys + "}";
}

std::string GraphWriter::outputs(const Draft& draft, const TensorSpec& shape, int64_t steps) {
  std::string items;
  for (int64_t i = draws_.between(1, 3); i > 0; --i) {
    const bool signs = draws_.chance(2);
    std::string keys = "\"kind\":" + std::string(signs ? "\"signs\"" : "\"real\"");
    const bool integers = signs && draft.integers && draws_.chance(2);
    if (integers) {
      keys += field("threshold", text(constants_.ints({shape.channels}))) + field("after", "0");
    } else {
      if (draws_.chance(4)) keys += field("after", text(draws_.between(0, steps)));
      if (signs && draws_.chance(2)) {
        keys += field("threshold", text(constants_.floats({shape.channels})));
      }
    }
    if (signs && draws_.chance(3)) {
      keys += field("flip", text(constants_.bytes({shape.channels}, 1)));
    }
    items += (items.empty() ? "{" : ",{") + keys + "}";
    tensors_.push_back(
        {signs ? Kind::kBits : Kind::kReal, shape.height, shape.width, shape.channels});
  }
  return items;
}

}  // namespace fuzz
