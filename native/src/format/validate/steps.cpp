#include "format/validate/steps.h"

#include <set>
#include <utility>

#include "format/taps.h"

namespace sbnn {
namespace {

using TapSet = std::pair<int64_t, int64_t>;

// The sets of one axis: each in the kernel, none twice, and every one that occurs.
Status check_tap_sets(const std::vector<TapRange>& sets, const Axis& axis,
                      const std::string& where) {
  std::set<TapSet> known;
  for (size_t i = 0; i < sets.size(); ++i) {
    const std::string place = where + "[" + std::to_string(i) + "]";
    const TapSet set{sets[i].first, sets[i].last};
    SIGNBIT_TRY(in_range(set.second, 0, axis.kernel, place + "[1]"));
    if (set.first >= set.second && set != TapSet{0, 0}) {
      return refuse(place, "must rise, or be [0, 0] for none");
    }
    if (!known.insert(set).second) return refuse(place, "is there twice");
  }
  // Looks at no more stretches than the file lists sets.
  Status status;
  for_tap_stretches(axis, [&](TapRange met, int64_t, int64_t) {
    if (known.count({met.first, met.last}) != 0) return true;
    status = refuse(
        where, "lacks the taps [" + text(met.first) + ", " + text(met.last) + "], which occur");
    return false;
  });
  return status;
}

class StepChecks {
 public:
  StepChecks(const Node& node, const Step& step, const std::vector<TensorSpec>& inputs,
             const Shape& shape, const std::string& where, Constants* constants)
      : node_(node),
        step_(step),
        inputs_(inputs),
        shape_(shape),
        where_(where),
        constants_(*constants) {}

  Status check() {
    const StepRow& row = row_of(step_.op);
    for (size_t i = 0; i < row.key_count; ++i) {
      const Key key = row.keys[i];
      const KeyRow& rule = row_of(key);
      if (rule.type == KeyType::kOperand) {
        SIGNBIT_TRY(check_operand(step_.keys.integer(key), place(key)));
      } else if (rule.shape == ConstantShape::kShift) {
        SIGNBIT_TRY(check_shift(step_.keys.constant(key), place(key)));
      } else if (rule.type == KeyType::kConstant && step_.keys.constant(key) != kNone) {
        SIGNBIT_TRY(take(step_.keys.constant(key), {shape_.channels}, place(key)));
      }
    }
    return {};
  }

 private:
  std::string place(Key key) const { return where_ + "." + row_of(key).name; }

  Status take(int index, const std::vector<int64_t>& shape, const std::string& where) {
    return constants_.take_shaped(index, bit(DType::kF32), shape, where);
  }

  Status check_operand(int64_t index, const std::string& where) const {
    const auto count = static_cast<int64_t>(inputs_.size());
    if (index >= count)
      return refuse(where, "is " + text(index) + ", of " + text(count) + " inputs");
    const TensorSpec& operand = inputs_[static_cast<size_t>(index)];
    if (operand.kind != Kind::kReal) {
      return refuse(where, std::string("must be real, is ") + kind_name(operand.kind));
    }
    SIGNBIT_TRY(check_every(operand));
    return check_channels(operand);
  }

  // Every row and column that is read lies inside the operand.
  Status check_every(const TensorSpec& operand) const {
    const Pair every = step_.keys.pair(Key::kEvery), pixels{operand.height, operand.width};
    const std::string where = place(Key::kEvery);
    if (every.y == 0 && every.x == 0) {
      if (pixels.y == 1 && pixels.x == 1) return {};
      return refuse(where, "[0, 0] is for an operand of one pixel, it has " + text(pixels));
    }
    if (every.y == 0 || every.x == 0) return refuse(where, "must be [0, 0] or positive");
    if ((shape_.height - 1) * every.y >= pixels.y || (shape_.width - 1) * every.x >= pixels.x) {
      return refuse(where, "reads outside the operand, which has " + text(pixels));
    }
    return {};
  }

  Status check_channels(const TensorSpec& operand) const {
    const auto repeat = static_cast<Repeat>(step_.keys.integer(Key::kRepeat));
    if (repeat == Repeat::kNone) return {};
    if (step_.keys.integer(Key::kOffset) != 0) {
      return refuse(place(Key::kOffset), "must be 0 with repeat");
    }
    if (repeat == Repeat::kEach && shape_.channels % operand.channels != 0) {
      return refuse(place(Key::kRepeat), "the operand's " + text(operand.channels) +
                                             " channels do not divide " + text(shape_.channels));
    }
    return {};
  }

  // One per channel, or one for each pair of sets of taps that the node's windows meet.
  Status check_shift(int index, const std::string& where) {
    const std::vector<TapRange>& rows = step_.keys.at(Key::kRowTaps).taps;
    const std::vector<TapRange>& columns = step_.keys.at(Key::kColumnTaps).taps;
    if (rows.empty() && columns.empty()) return take(index, {shape_.channels}, where);
    const auto row_sets = static_cast<int64_t>(rows.size());
    const auto column_sets = static_cast<int64_t>(columns.size());
    SIGNBIT_TRY(take(index, {row_sets, column_sets, shape_.channels}, where));
    if (node_.op != Op::kBinaryConv || pools()) {
      return refuse(place(Key::kRowTaps), "goes with a binary_conv whose dots are not pooled");
    }
    const TensorSpec& source = inputs_[0];
    SIGNBIT_TRY(check_tap_sets(rows, row_axis(node_, source.height), place(Key::kRowTaps)));
    return check_tap_sets(columns, column_axis(node_, source.width), place(Key::kColumnTaps));
  }

  bool pools() const {
    for (const Key key : {Key::kPoolKernel, Key::kPoolStride}) {
      const Pair pair = node_.keys.pair(key);
      if (pair.y != 1 || pair.x != 1) return true;
    }
    return false;
  }

  const Node& node_;
  const Step& step_;
  const std::vector<TensorSpec>& inputs_;
  const Shape& shape_;
  const std::string& where_;
  Constants& constants_;
};

}  // namespace

Status check_step(const Node& node, const Step& step, const std::vector<TensorSpec>& inputs,
                  const Shape& shape, const std::string& where, Constants* constants) {
  return StepChecks(node, step, inputs, shape, where, constants).check();
}

}  // namespace sbnn
