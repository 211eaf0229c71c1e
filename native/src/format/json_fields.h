// Fields of a JSON object, read with errors that say where.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>

#include "format/graph.h"
#include "format/json.h"

namespace sbnn {

using Keys = std::initializer_list<const char*>;

inline Status refuse_field(const std::string& where, const std::string& message) {
  return {Code::kModelFile, where + ": " + message};
}

inline std::string quoted(const std::string& text) { return "'" + text + "'"; }

inline bool contains(Keys keys, const std::string& key) {
  return std::any_of(keys.begin(), keys.end(), [&](const char* known) { return key == known; });
}

// An object with these keys and no other.
inline Status check_keys(const Json& json, const std::string& where, Keys required,
                         Keys optional = {}) {
  if (!json.is(Json::Type::kObject)) return refuse_field(where, "must be an object");
  for (const char* key : required) {
    if (json.find(key) == nullptr) return refuse_field(where, "key " + quoted(key) + " is missing");
  }
  for (const auto& [key, value] : json.members) {
    if (!contains(required, key) && !contains(optional, key)) {
      return refuse_field(where, "unknown key " + quoted(key));
    }
  }
  return {};
}

inline Status read_string(const Json& json, const std::string& where, std::string* text) {
  if (!json.is(Json::Type::kString)) return refuse_field(where, "must be a string");
  *text = json.string;
  return {};
}

inline Status read_integer(const Json& json, const std::string& where, int64_t* value) {
  if (!json.is(Json::Type::kInteger)) return refuse_field(where, "must be an integer");
  *value = json.integer;
  return {};
}

inline Status read_pair(const Json& json, const std::string& where, Pair* pair) {
  if (!json.is(Json::Type::kArray) || json.items.size() != 2) {
    return refuse_field(where, "must be a pair of integers [vertical, horizontal]");
  }
  SIGNBIT_TRY(read_integer(json.items[0], where + "[0]", &pair->y));
  return read_integer(json.items[1], where + "[1]", &pair->x);
}

// A list whose items read_item(item, where) reads.
template <typename ReadItem>
Status read_list(const Json& json, const std::string& where, ReadItem read_item) {
  if (!json.is(Json::Type::kArray)) return refuse_field(where, "must be a list");
  if (static_cast<int64_t>(json.items.size()) > kMaxItems) {
    return refuse_field(where, "has " + std::to_string(json.items.size()) + " items, at most " +
                                   std::to_string(kMaxItems) + " are allowed");
  }
  for (size_t i = 0; i < json.items.size(); ++i) {
    SIGNBIT_TRY(read_item(json.items[i], where + "[" + std::to_string(i) + "]"));
  }
  return {};
}

}  // namespace sbnn
