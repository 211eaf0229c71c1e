// A small JSON parser for strangers' bytes: strict RFC 8259, bounded in depth and in values,
// duplicate keys and invalid UTF-8 refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "signbit/status.h"

namespace sbnn {

constexpr int kMaxJsonDepth = 16;              // a model's graph needs 7
constexpr int64_t kMaxJsonValues = 4'000'000;  // the largest graph has about half as many

struct Json {
  enum class Type : uint8_t { kNull, kBool, kInteger, kNumber, kString, kArray, kObject };

  Type type = Type::kNull;
  bool boolean = false;
  int64_t integer = 0;  // of kInteger, which has no fraction; the nearest one where it is larger
  std::string string;   // of kString
  std::vector<Json> items;                            // of kArray
  std::vector<std::pair<std::string, Json>> members;  // of kObject, in the text's order

  bool is(Type wanted) const { return type == wanted; }
  // The member of this key; null where there is none.
  const Json* find(const char* key) const;
};

Status parse_json(const char* text, size_t size, Json* value);

}  // namespace sbnn
