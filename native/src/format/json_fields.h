// Fields of a JSON object, read with errors that say where: each message begins with the field.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "format/json.h"
#include "format/types.h"

namespace sbnn {

using Names = std::vector<const char*>;

inline Status refuse(const std::string& where, const std::string& message) {
  return {Code::kModelFile, where + ": " + message};
}

inline Status in_range(int64_t value, int64_t least, int64_t most, const std::string& where) {
  if (least <= value && value <= most) return {};
  return refuse(where, "must be " + std::to_string(least) + " to " + std::to_string(most) +
                           ", is " + std::to_string(value));
}

inline std::string quoted(const std::string& text) { return "'" + text + "'"; }
inline std::string item_of(const std::string& where, size_t index) {
  return where + "[" + std::to_string(index) + "]";
}

inline bool contains(const Names& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const char* known) { return name == known; });
}

// An object with these keys and no other.
inline Status check_object(const Json& json, const std::string& where, const Names& required,
                           const Names& optional = {}) {
  if (!json.is(Json::Type::kObject)) return refuse(where, "must be an object");
  for (const char* key : required) {
    if (json.find(key) == nullptr) return refuse(where, "key " + quoted(key) + " is missing");
  }
  for (const auto& [key, value] : json.members) {
    if (!contains(required, key) && !contains(optional, key)) {
      return refuse(where, "unknown key " + quoted(key));
    }
  }
  return {};
}

inline Status read_string(const Json& json, const std::string& where, std::string* text) {
  if (!json.is(Json::Type::kString)) return refuse(where, "must be a string");
  *text = json.string;
  return {};
}

// The place of a text among `names`, of which it must be one.
inline Status read_choice(const Json& json, const std::string& where, const Names& names,
                          size_t* place) {
  std::string text;
  SIGNBIT_TRY(read_string(json, where, &text));
  std::string known;
  for (size_t i = 0; i < names.size(); ++i) {
    if (text == names[i]) {
      *place = i;
      return {};
    }
    known += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  return refuse(where, "must be one of " + known + ", is " + quoted(text));
}

inline Status read_integer(const Json& json, const std::string& where, int64_t* value) {
  if (!json.is(Json::Type::kInteger)) return refuse(where, "must be an integer");
  *value = json.integer;
  return {};
}

inline Status read_in_range(const Json& json, const std::string& where, int64_t least, int64_t most,
                            int64_t* value) {
  SIGNBIT_TRY(read_integer(json, where, value));
  return in_range(*value, least, most, where);
}

// A list of `count` integers.
inline Status read_integers(const Json& json, const std::string& where, size_t count, int64_t least,
                            int64_t most, int64_t* values) {
  if (!json.is(Json::Type::kArray) || json.items.size() != count) {
    return refuse(where, "must be a list of " + std::to_string(count) + " integers");
  }
  for (size_t i = 0; i < count; ++i) {
    SIGNBIT_TRY(read_in_range(json.items[i], item_of(where, i), least, most, &values[i]));
  }
  return {};
}

// False is said by leaving the key out.
inline Status read_flag(const Json& json, const std::string& where) {
  if (json.is(Json::Type::kBool) && json.boolean) return {};
  return refuse(where, "must be true where it is given");
}

// A list whose items read_item(item, where) reads.
template <typename ReadItem>
Status read_list(const Json& json, const std::string& where, int64_t least, int64_t most,
                 ReadItem read_item) {
  if (!json.is(Json::Type::kArray)) return refuse(where, "must be a list");
  const auto size = static_cast<int64_t>(json.items.size());
  if (size < least || size > most) {
    return refuse(where, "must have " + std::to_string(least) + " to " + std::to_string(most) +
                             " items, has " + std::to_string(size));
  }
  for (size_t i = 0; i < json.items.size(); ++i) {
    SIGNBIT_TRY(read_item(json.items[i], item_of(where, i)));
  }
  return {};
}

}  // namespace sbnn
