#include "format/validate/operation_constants.h"

#include <cstdlib>
#include <cstring>

#include "format/validate/checks.h"

namespace sbnn {
namespace {

constexpr int64_t kWordBits = 64;

// The bits behind the last tap of every filter are 0.
Status check_unused_bits(const Constant& weight, int64_t taps, const std::string& where) {
  const int64_t words = weight.shape[1];
  for (int64_t filter = 0; taps % kWordBits != 0 && filter < weight.shape[0]; ++filter) {
    uint64_t last;
    std::memcpy(&last, weight.data + ((filter + 1) * words - 1) * 8, sizeof last);
    if (last >> (taps % kWordBits) != 0) return refuse(where, "has unused bits that are not 0");
  }
  return {};
}

// The int16 stem: sums of four weights stay in int16, sums of products with pixels in int32.
Status check_pixel_weights(const Constant& weight, int64_t taps, const std::string& where) {
  int64_t largest = 0, largest_sum = 0;
  const uint8_t* bytes = weight.data;
  for (int64_t filter = 0; filter < weight.shape[0]; ++filter) {
    int64_t sum = 0;
    for (int64_t tap = 0; tap < taps; ++tap, bytes += sizeof(int16_t)) {
      int16_t value;
      std::memcpy(&value, bytes, sizeof value);
      const int64_t magnitude = std::abs(static_cast<int64_t>(value));
      largest = std::max(largest, magnitude);
      sum += magnitude;
    }
    largest_sum = std::max(largest_sum, sum);
  }
  if (largest > kMaxPixelWeight) {
    return refuse(
        where, "int16 weights must be -" + text(kMaxPixelWeight) + " to " + text(kMaxPixelWeight));
  }
  if (largest_sum > INT32_MAX / kMaxPixel) {
    return refuse(where, text(kMaxPixel) +
                             " times the sum of a filter's magnitudes must be below 2147483648");
  }
  return {};
}

class OperationChecks {
 public:
  OperationChecks(const Node& node, const TensorSpec& source, const std::string& where)
      : node_(node), source_(source), where_(where), row_(row_of(node.op)) {
    if (!has_key(node.op, Key::kGroups)) return;
    const Pair kernel = node.keys.pair(Key::kKernel);
    groups_ = node.keys.integer(Key::kGroups);
    depth_ = source.channels / groups_;
    taps_ = kernel.y * kernel.x * depth_;
    if (has_key(node.op, Key::kCopies)) copies_ = node.keys.integer(Key::kCopies);
  }

  Status check(Constants* constants, OperationConstants* known) const {
    known->filters = source_.channels;
    // Where the weight says that a dot is of signs, it is counted there.
    if (counts_signs(node_.op)) SIGNBIT_TRY(check_taps(where_ + ".kernel"));
    if (depth_ % copies_ != 0) {
      return refuse(where_ + ".copies",
                    text(copies_) + " do not divide " + text(depth_) + " channels of a group");
    }
    for (size_t i = 0; i < row_.key_count; ++i) {
      const Key key = row_.keys[i];
      const KeyRow& rule = row_of(key);
      const int index = rule.type == KeyType::kConstant ? node_.keys.constant(key) : kNone;
      if (index == kNone) continue;
      const std::string place = where_ + "." + rule.name;
      if (rule.shape == ConstantShape::kFilters) {
        const Constant* weight = nullptr;
        SIGNBIT_TRY(constants->take(index, row_.dtypes[i], place, &weight));
        SIGNBIT_TRY(check_filters(*weight, place));
        if (constants->is_first(index, taps_ / copies_)) SIGNBIT_TRY(check_values(*weight, place));
        *known = {weight->shape[0], weight->dtype};
      } else if (rule.shape == ConstantShape::kInputChannels) {
        const DType dtype = known->weight == DType::kI16 ? DType::kU8 : DType::kF32;
        SIGNBIT_TRY(constants->take_shaped(index, bit(dtype), {source_.channels}, place));
      } else {
        SIGNBIT_TRY(constants->take_shaped(index, row_.dtypes[i], {1}, place));
      }
    }
    return {};
  }

 private:
  // A dot of signs is exact in float32.
  Status check_taps(const std::string& where) const {
    return in_range(taps_, 1, kMaxTaps, where + ": taps of one dot product");
  }

  Status check_filters(const Constant& weight, const std::string& where) const {
    const bool packed = weight.dtype == DType::kU64;
    if (packed) SIGNBIT_TRY(check_taps(where));
    const Pair kernel = node_.keys.pair(Key::kKernel);
    const int64_t words = round_up(taps_ / copies_, kWordBits) / kWordBits;
    std::vector<int64_t> wanted = {weight.shape.empty() ? 0 : weight.shape[0]};
    if (packed) {
      wanted.push_back(words);
    } else {
      wanted.insert(wanted.end(), {kernel.y, kernel.x, depth_});
    }
    if (weight.shape != wanted) {
      std::string sizes;
      for (size_t i = 1; i < wanted.size(); ++i) sizes += ", " + text(wanted[i]);
      return refuse(where, "must have shape (out" + sizes + ")");
    }
    SIGNBIT_TRY(in_range(wanted[0], 1, kMaxChannels, where + ": filters"));
    if (wanted[0] % groups_ != 0) {
      return refuse(where, "has " + text(wanted[0]) + " filters, which " + text(groups_) +
                               " groups do not divide");
    }
    if (weight.dtype == DType::kI16 && source_.kind != Kind::kImage) {
      return refuse(where,
                    std::string("int16 weights read pixels, not ") + kind_name(source_.kind));
    }
    return {};
  }

  Status check_values(const Constant& weight, const std::string& where) const {
    if (weight.dtype == DType::kU64) return check_unused_bits(weight, taps_ / copies_, where);
    if (weight.dtype == DType::kI16) return check_pixel_weights(weight, taps_, where);
    return {};
  }

  const Node& node_;
  const TensorSpec& source_;
  const std::string& where_;
  const OperationRow& row_;
  int64_t groups_ = 1, depth_ = 0, taps_ = 0, copies_ = 1;
};

}  // namespace

Status check_constants(const Node& node, const TensorSpec& source, const std::string& where,
                       Constants* constants, OperationConstants* known) {
  return OperationChecks(node, source, where).check(constants, known);
}

}  // namespace sbnn
