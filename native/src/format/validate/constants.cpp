#include "format/validate/constants.h"

#include <cmath>
#include <cstring>

#include "format/validate/checks.h"

namespace sbnn {
namespace {

constexpr struct {
  DType dtype;
  const char* name;
} kNames[] = {{DType::kF32, "F32"},
              {DType::kI32, "I32"},
              {DType::kI16, "I16"},
              {DType::kU8, "U8"},
              {DType::kU64, "U64"}};

std::string names_of(DTypes dtypes) {
  std::string text;
  for (const auto& [dtype, name] : kNames) {
    if (dtypes & bit(dtype)) text += (text.empty() ? "" : " or ") + std::string(name);
  }
  return text;
}

std::string text_of(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "(" + text + (shape.size() == 1 ? ",)" : ")");
}

bool is_finite(const Constant& constant) {
  for (size_t byte = 0; byte < constant.bytes; byte += sizeof(float)) {
    float value;
    std::memcpy(&value, constant.data + byte, sizeof value);
    if (!std::isfinite(value)) return false;
  }
  return true;
}

}  // namespace

Status Constants::take(int index, DTypes dtypes, const std::string& where,
                       const Constant** constant) {
  if (index < 0) {
    return refuse(where, "no tensor '" + text(number_lacking(index)) + "' in the file");
  }
  const auto place = static_cast<size_t>(index);
  const Constant& found = constants_[place];
  if ((dtypes & bit(found.dtype)) == 0) {
    return refuse(where, "tensor " + quoted(found.name) + " must be " + names_of(dtypes) + ", is " +
                             names_of(bit(found.dtype)));
  }
  // Nodes may share a constant, which is searched once.
  if (found.dtype == DType::kF32 && !used_[place] && !is_finite(found)) {
    return refuse(where, "tensor " + quoted(found.name) + " has a NaN or infinity");
  }
  used_[place] = true;
  *constant = &found;
  return {};
}

Status Constants::take_shaped(int index, DTypes dtypes, const std::vector<int64_t>& shape,
                              const std::string& where, const Constant** constant) {
  const Constant* found = nullptr;
  SIGNBIT_TRY(take(index, dtypes, where, &found));
  if (found->shape != shape) {
    return refuse(where, "tensor " + quoted(found->name) + " must have shape " + text_of(shape) +
                             ", has " + text_of(found->shape));
  }
  if (constant != nullptr) *constant = found;
  return {};
}

Status Constants::require_all_used() const {
  for (size_t i = 0; i < used_.size(); ++i) {
    if (!used_[i]) return refuse(constants_[i].name, "no node uses this tensor of the file");
  }
  return {};
}

}  // namespace sbnn
