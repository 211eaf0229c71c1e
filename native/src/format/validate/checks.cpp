#include "format/validate/checks.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace sbnn {
namespace {

float float_at(const Constant& constant, size_t byte) {
  float value;
  std::memcpy(&value, constant.data + byte, sizeof value);
  return value;
}

const char* dtype_name(DType dtype) {
  switch (dtype) {
    case DType::kU64:
      return "U64";
    case DType::kF32:
      return "F32";
    case DType::kI32:
      return "I32";
    case DType::kI16:
      return "I16";
    case DType::kU8:
      break;
  }
  return "U8";
}

}  // namespace

Status ConstantChecks::use(int index, DType dtype, const std::string& where) {
  const Constant& constant = at(index);
  if (constant.dtype != dtype) {
    return refuse(where, "'" + constant.name + "' must be " + dtype_name(dtype) + ", is " +
                             dtype_name(constant.dtype));
  }
  const bool unseen = !used_[static_cast<size_t>(index)];  // nodes may share a constant
  for (size_t byte = 0; dtype == DType::kF32 && unseen && byte < constant.bytes;
       byte += sizeof(float)) {
    if (!std::isfinite(float_at(constant, byte))) {
      return refuse(where, "'" + constant.name + "' has a value that is not finite");
    }
  }
  used_[static_cast<size_t>(index)] = true;
  return {};
}

Status ConstantChecks::per_channel(int index, DType dtype, int64_t channels,
                                   const std::string& where) {
  SIGNBIT_TRY(use(index, dtype, where));
  const Constant& constant = at(index);
  if (constant.shape.size() != 1 || constant.shape[0] != channels) {
    return refuse(where, "'" + constant.name + "' must have shape (" + text(channels) + ",)");
  }
  return {};
}

Status ConstantChecks::unused_bits_are_zero(int index, int64_t taps,
                                            const std::string& where) const {
  const Constant& weight = at(index);
  const int64_t words = weight.shape[1];
  for (int64_t row = 0; taps % 64 != 0 && row < weight.shape[0]; ++row) {
    uint64_t last;
    std::memcpy(&last, weight.data + ((row + 1) * words - 1) * 8, sizeof last);
    if (last >> (taps % 64) != 0) return refuse(where, "has unused bits that are not 0");
  }
  return {};
}

Status ConstantChecks::zeros_and_ones(int index, const std::string& where) const {
  const Constant& flip = at(index);
  if (std::any_of(flip.data, flip.data + flip.bytes, [](uint8_t bit) { return bit > 1; })) {
    return refuse(where, "must be 0 or 1 everywhere");
  }
  return {};
}

// Sums of four weights stay in int16, sums of a filter's products with pixels in int32.
Status ConstantChecks::pixel_weights(int index, const std::string& where) const {
  const Constant& weight = at(index);
  const int64_t taps = weight.shape[1] * weight.shape[2] * weight.shape[3];
  const uint8_t* bytes = weight.data;
  for (int64_t filter = 0; filter < weight.shape[0]; ++filter) {
    int64_t sum = 0;
    for (int64_t tap = 0; tap < taps; ++tap, bytes += sizeof(int16_t)) {
      int16_t value;
      std::memcpy(&value, bytes, sizeof value);
      const int64_t magnitude = std::abs(static_cast<int64_t>(value));
      if (magnitude > kMaxPixelWeight) {
        return refuse(where, "int16 weights must be -" + text(kMaxPixelWeight) + " to " +
                                 text(kMaxPixelWeight) + ", one is " + text(value));
      }
      sum += magnitude;
    }
    if (kMaxPixel * sum > INT32_MAX) {
      return refuse(where, text(kMaxPixel) + " times the sum of a filter's magnitudes must be " +
                               "below 2^31, of filter " + text(filter) + " it is not");
    }
  }
  return {};
}

Status ConstantChecks::zeros(int index, const std::string& where) const {
  const Constant& constant = at(index);
  for (size_t byte = 0; byte < constant.bytes; byte += sizeof(float)) {
    if (float_at(constant, byte) != 0.0f) return refuse(where, "must be 0 for max_pool of bits");
  }
  return {};
}

Status ConstantChecks::all_used() const {
  for (size_t i = 0; i < used_.size(); ++i) {
    if (!used_[i]) return refuse(graph_.constants[i].name, "no node uses this constant");
  }
  return {};
}

}  // namespace sbnn
