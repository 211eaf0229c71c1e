#include "graph_writer.h"

#include <algorithm>

#include "format/validate/shapes.h"

namespace fuzz {

using sbnn::Key;
using sbnn::Kind;
using sbnn::kNone;
using sbnn::Op;
using sbnn::TensorSpec;

namespace {

std::string text(int64_t value) { return std::to_string(value); }

void append(std::string* items, const std::string& item) {
  *items += (items->empty() ? "" : ",") + item;
}

}  // namespace

int64_t GraphWriter::channels() {
  return draws_.one_of<int64_t>({1, 2, 3, 4, 6, 8, 12, 16, 17, 24, 32, 33, 64, 65, 96, 128});
}

int GraphWriter::pick(const std::vector<Kind>& kinds) {
  std::vector<int> fitting;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const bool fits = std::count(kinds.begin(), kinds.end(), tensors_[i].kind) > 0;
    if (fits) fitting.push_back(static_cast<int>(i));
  }
  if (fitting.empty()) return kNone;
  // The newest one most often, so that graphs grow long.
  return draws_.chance(3) ? draws_.one_of(fitting) : fitting.back();
}

void GraphWriter::give(Draft* draft, Key key, const std::vector<int64_t>& values) {
  sbnn::Value value;
  std::copy(values.begin(), values.end(), value.numbers.begin());
  draft->node.keys.set(key, value);
  std::string numbers;
  for (const int64_t number : values) append(&numbers, text(number));
  const bool single = values.size() == 1;
  draft->keys += field(sbnn::row_of(key).name, single ? numbers : "[" + numbers + "]");
}

void GraphWriter::give_constant(Draft* draft, Key key, int number) {
  draft->keys += field(sbnn::row_of(key).name, text(number));
}

bool GraphWriter::read_inputs(Draft* draft) {
  const sbnn::OperationRow& row = sbnn::row_of(draft->node.op);
  const auto own = static_cast<int64_t>(row.input_count);
  const int64_t count = row.many ? draws_.between(2, 3) : own;
  for (int64_t i = 0; i < count; ++i) {
    std::vector<Kind> kinds;
    for (const Kind kind : {Kind::kImage, Kind::kReal, Kind::kBits}) {
      const bool first = !row.many || i == 0 || kind == draft->inputs[0].kind;
      if ((row.inputs[0] & sbnn::bit(kind)) != 0 && first) kinds.push_back(kind);
    }
    // A matrix fits itself more often than another one.
    const bool same = !row.many && i > 0 && draws_.chance(2);
    const int number = same ? draft->node.inputs[0] : pick(kinds);
    if (number == kNone) return false;
    draft->node.inputs.push_back(number);
    draft->inputs.push_back(tensors_[static_cast<size_t>(number)]);
  }
  draft->node.arity = static_cast<size_t>(count);
  return true;
}

void GraphWriter::write_windows(Draft* draft) {
  const TensorSpec& input = draft->inputs[0];
  const Op op = draft->node.op;
  const bool whole = draws_.chance(6) && input.height * input.width * input.channels <= 1024;
  const int64_t rows = whole ? input.height : draws_.between(1, std::min<int64_t>(4, input.height));
  const int64_t columns =
      whole ? input.width : draws_.between(1, std::min<int64_t>(4, input.width));
  give(draft, Key::kKernel, {rows, columns});
  if (draws_.chance(2)) give(draft, Key::kStride, {draws_.between(1, 3), draws_.between(1, 3)});
  const bool pools = op == Op::kMaxPool || op == Op::kAvgPool;
  if (draws_.chance(2)) {
    const int64_t y = pools ? rows - 1 : 3, x = pools ? columns - 1 : 3;
    give(draft, Key::kPadding,
         {draws_.between(0, y), draws_.between(0, x), draws_.between(0, y), draws_.between(0, x)});
  }
  if (sbnn::has_key(op, Key::kDilation) && draws_.chance(4)) {
    give(draft, Key::kDilation, {draws_.between(1, 3), draws_.between(1, 3)});
  }
  for (const Key flag : {Key::kCeil, Key::kCountPadding}) {
    if (!sbnn::has_key(op, flag) || !draws_.chance(2)) continue;
    draft->node.keys.set(flag, {{1}, {}});
    draft->keys += field(sbnn::row_of(flag).name, "true");
  }
}

int64_t GraphWriter::groups_for(const Draft& draft) {
  if (draws_.chance(2)) return 1;
  const bool aligned = sbnn::counts_signs(draft.node.op);
  const int64_t channels = draft.inputs[0].channels;
  std::vector<int64_t> divisors;
  for (int64_t groups = 2; groups <= channels; ++groups) {
    if (channels % groups == 0) divisors.push_back(groups);
  }
  if (divisors.empty()) return 1;
  const int64_t groups = draws_.one_of(divisors);
  return aligned ? groups_.emplace(draft.node.inputs[0], groups).first->second : groups;
}

void GraphWriter::write_weight(Draft* draft, int64_t groups) {
  const TensorSpec& input = draft->inputs[0];
  const sbnn::Pair kernel = draft->node.keys.pair(Key::kKernel);
  const int64_t depth = input.channels / groups, taps = kernel.y * kernel.x * depth;
  // Not too many values, which take long to draw.
  const bool few = taps <= 512 && groups == 1;
  draft->filters = few ? channels() : groups * draws_.between(1, 3);
  const bool binary = draft->node.op == Op::kBinaryConv;
  const bool packed = binary || draws_.chance(3);
  draft->integers = binary || (!packed && input.kind == Kind::kImage && draws_.chance(2));
  int64_t copies = 1;
  if (binary && draws_.chance(4)) {
    copies = draws_.between(1, 3);
    if (depth % copies == 0) {
      give(draft, Key::kCopies, {copies});
    } else {
      copies = 1;
    }
  }
  const int weight = packed ? constants_.filters(draft->filters, taps / copies)
                     : draft->integers
                         ? constants_.shorts({draft->filters, kernel.y, kernel.x, depth})
                         : constants_.floats({draft->filters, kernel.y, kernel.x, depth});
  give_constant(draft, Key::kWeight, weight);
  if (binary) {
    if (draws_.chance(4)) {
      const int64_t y = draws_.between(1, 2), x = draws_.between(1, 2);
      give(draft, Key::kPoolKernel, {y, x});
      give(draft, Key::kPoolStride, {y, x});
    }
    const std::string sign = draws_.one_of<std::string>({"", "positive", "negative"});
    if (!sign.empty()) draft->keys += field("pad_sign", "\"" + sign + "\"");
  } else if (draws_.chance(3)) {
    give_constant(draft, Key::kPadValue,
                  draft->integers ? constants_.bytes({input.channels}, 255)
                                  : constants_.floats({input.channels}));
  }
}

void GraphWriter::write_keys(Draft* draft) {
  const Op op = draft->node.op;
  const TensorSpec& input = draft->inputs[0];
  draft->filters = input.channels;
  if (sbnn::has_key(op, Key::kKernel)) write_windows(draft);
  if (sbnn::has_key(op, Key::kGroups)) {
    const int64_t groups = groups_for(*draft);
    if (groups > 1) give(draft, Key::kGroups, {groups});
    if (sbnn::has_key(op, Key::kWeight)) write_weight(draft, groups);
  }
  if (!sbnn::has_key(op, Key::kKernel)) write_other_keys(draft);
}

// By their types alone: an operation that they do not fit is not written.
void GraphWriter::write_other_keys(Draft* draft) {
  const sbnn::OperationRow& row = sbnn::row_of(draft->node.op);
  const int64_t channels = draft->inputs[0].channels;
  for (size_t i = 0; i < row.key_count; ++i) {
    const Key key = row.keys[i];
    const sbnn::KeyRow& rule = sbnn::row_of(key);
    const int64_t most = draws_.chance(2) ? 3 : std::max(rule.least, channels);
    if (key == Key::kGroups) continue;
    if (rule.type == sbnn::KeyType::kFlag) {
      if (!draws_.chance(2)) continue;
      draft->node.keys.set(key, {{1}, {}});
      draft->keys += field(rule.name, "true");
    } else if (rule.type == sbnn::KeyType::kPair) {
      give(draft, key, {draws_.between(rule.least, 3), draws_.between(rule.least, 3)});
    } else if (rule.type == sbnn::KeyType::kInteger) {
      give(draft, key, {draws_.between(rule.least, most)});
    } else if (rule.type == sbnn::KeyType::kConstant) {
      const bool one = rule.shape == sbnn::ConstantShape::kOne;
      give_constant(draft, key, constants_.floats({one ? 1 : channels}));
    }
  }
}

void GraphWriter::write_node() {
  Draft draft;
  draft.node.op =
      static_cast<Op>(draws_.between(0, static_cast<int64_t>(sbnn::operation_names().size()) - 1));
  if (!read_inputs(&draft)) return;
  const Constants before = constants_;
  write_keys(&draft);
  sbnn::Shape yielded;
  const bool fits =
      sbnn::yielded_shape(draft.node, draft.inputs, draft.filters, "", &yielded).ok() &&
      yielded.height * yielded.width <= 400 && yielded.channels <= 600;
  if (!fits) {
    constants_ = before;
    return;
  }
  const TensorSpec shape{Kind::kReal, yielded.height, yielded.width, yielded.channels};
  std::string steps;
  const int64_t wanted = draws_.chance(3) ? 0 : draws_.between(1, 5);
  int64_t count = 0;
  for (int64_t i = 0; i < wanted; ++i) {
    const std::string next = step(&draft, shape);
    if (next.empty()) continue;
    append(&steps, next);
    ++count;
  }
  std::string numbers;
  for (const int number : draft.node.inputs) append(&numbers, text(number));
  append(&nodes_, "{\"name\":\"" + text(node_count_++) + "\"" +
                      field("op", "\"" + std::string(sbnn::row_of(draft.node.op).name) + "\"") +
                      field("inputs", "[" + numbers + "]") + draft.keys +
                      (steps.empty() ? "" : field("steps", "[" + steps + "]")) +
                      field("outputs", "[" + outputs(draft, shape, count) + "]") + "}");
}

GraphText GraphWriter::write() {
  std::string inputs, results;
  for (int64_t i = draws_.between(1, 2); i > 0; --i) {
    const bool image = tensors_.empty();
    const TensorSpec spec{image ? Kind::kImage : Kind::kReal, draws_.between(1, 9),
                          draws_.between(1, 9), channels()};
    append(&inputs, "{\"name\":\"" + text(inputs_++) + "\"" +
                        field("kind", image ? "\"image\"" : "\"real\"") +
                        field("shape", list({spec.height, spec.width, spec.channels})) + "}");
    tensors_.push_back(spec);
  }
  const int64_t nodes = draws_.between(1, 6);
  for (int64_t tries = 0; node_count_ < nodes && tries < 30; ++tries) write_node();
  const auto last = static_cast<int64_t>(tensors_.size()) - 1;
  for (int64_t i = draws_.between(1, 2); i > 0 && last >= inputs_; --i) {
    append(&results, "{\"name\":\"" + text(i) + "\"" +
                         field("tensor", text(i == 1 ? last : draws_.between(inputs_, last))) +
                         "}");
  }
  return {"{\"format\":1" + field("inputs", "[" + inputs + "]") +
              field("outputs", "[" + results + "]") + field("nodes", "[" + nodes_ + "]") + "}",
          constants_.entries(), constants_.data()};
}

}  // namespace fuzz
