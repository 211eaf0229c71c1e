#include "format/json.h"

#include <cstdlib>
#include <cstring>
#include <unordered_set>

namespace sbnn {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The value of a hexadecimal digit, or -1.
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xc0 | code >> 6));
    out->push_back(static_cast<char>(0x80 | (code & 63)));
  } else if (code < 0x10000) {
    out->push_back(static_cast<char>(0xe0 | code >> 12));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
    out->push_back(static_cast<char>(0x80 | (code & 63)));
  } else {
    out->push_back(static_cast<char>(0xf0 | code >> 18));
    out->push_back(static_cast<char>(0x80 | (code >> 12 & 63)));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 63)));
    out->push_back(static_cast<char>(0x80 | (code & 63)));
  }
}

class Parser {
 public:
  Parser(const char* text, size_t size) : begin_(text), at_(text), end_(text + size) {}

  Status parse(Json* value) {
    SIGNBIT_TRY(parse_value(value, 1));
    skip_space();
    if (at_ != end_) return error("text after the value");
    return {};
  }

 private:
  Status error(const std::string& what) const {
    return {Code::kModelFile,
            "not valid JSON: " + what + " at byte " + std::to_string(at_ - begin_)};
  }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }

  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  bool take_word(const char* word) {
    const size_t length = std::strlen(word);
    if (static_cast<size_t>(end_ - at_) < length || std::memcmp(at_, word, length) != 0) {
      return false;
    }
    at_ += length;
    return true;
  }

  Status parse_value(Json* value, int depth) {
    if (++values_ > kMaxJsonValues) {
      return error("more than " + std::to_string(kMaxJsonValues) + " values");
    }
    skip_space();
    if (at_ == end_) return error("the text ends early");
    if ((*at_ == '{' || *at_ == '[') && depth > kMaxJsonDepth) {
      return error("nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
    }
    if (*at_ == '{') return parse_object(value, depth);
    if (*at_ == '[') return parse_array(value, depth);
    if (*at_ == '"') {
      value->type = Json::Type::kString;
      return parse_string(&value->string);
    }
    if (*at_ == '-' || is_digit(*at_)) return parse_number(value);
    if (take_word("true") || take_word("false")) {
      value->type = Json::Type::kBool;
      value->boolean = at_[-2] == 'u';  // tr-u-e, fal-s-e
      return {};
    }
    if (take_word("null")) return {};
    return error("unexpected character");
  }

  Status parse_object(Json* value, int depth) {
    value->type = Json::Type::kObject;
    ++at_;
    skip_space();
    if (take('}')) return {};
    std::unordered_set<std::string> keys;
    do {
      skip_space();
      if (at_ == end_ || *at_ != '"') return error("expected a key");
      std::string key;
      SIGNBIT_TRY(parse_string(&key));
      if (!keys.insert(key).second) return error("key '" + key + "' occurs twice in one object");
      skip_space();
      if (!take(':')) return error("expected ':'");
      value->members.emplace_back(std::move(key), Json());
      SIGNBIT_TRY(parse_value(&value->members.back().second, depth + 1));
      skip_space();
    } while (take(','));
    return take('}') ? Status() : error("expected ',' or '}'");
  }

  Status parse_array(Json* value, int depth) {
    value->type = Json::Type::kArray;
    ++at_;
    skip_space();
    if (take(']')) return {};
    do {
      value->items.emplace_back();
      SIGNBIT_TRY(parse_value(&value->items.back(), depth + 1));
      skip_space();
    } while (take(','));
    return take(']') ? Status() : error("expected ',' or ']'");
  }

  Status parse_digits() {
    if (at_ == end_ || !is_digit(*at_)) return error("expected a digit");
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return {};
  }

  Status parse_number(Json* value) {
    const char* start = at_;
    bool integer = true;
    take('-');
    if (!take('0')) SIGNBIT_TRY(parse_digits());
    if (take('.')) {
      integer = false;
      SIGNBIT_TRY(parse_digits());
    }
    if (take('e') || take('E')) {
      integer = false;
      if (!take('+')) take('-');
      SIGNBIT_TRY(parse_digits());
    }
    value->type = integer ? Json::Type::kInteger : Json::Type::kNumber;
    // Beyond int64 strtoll gives the nearest one.
    if (integer) value->integer = std::strtoll(std::string(start, at_).c_str(), nullptr, 10);
    return {};
  }

  Status parse_string(std::string* out) {
    ++at_;
    while (true) {
      if (at_ == end_) return error("the text ends inside a string");
      const auto c = static_cast<unsigned char>(*at_);
      if (c == '"') break;
      if (c < 0x20) return error("control character in a string");
      if (c == '\\') {
        SIGNBIT_TRY(parse_escape(out));
      } else if (c < 0x80) {
        out->push_back(*at_++);
      } else {
        SIGNBIT_TRY(copy_utf8(out));
      }
    }
    ++at_;
    return {};
  }

  Status parse_escape(std::string* out) {
    ++at_;
    if (at_ == end_) return error("the text ends inside a string");
    const char c = *at_++;
    static const char kNames[] = "\"\\/bfnrt";
    static const char kValues[] = "\"\\/\b\f\n\r\t";
    if (const char* name = c == '\0' ? nullptr : std::strchr(kNames, c)) {
      out->push_back(kValues[name - kNames]);
      return {};
    }
    if (c != 'u') return error("unknown escape");
    uint32_t code;
    SIGNBIT_TRY(parse_hex(&code));
    if (code >= 0xdc00 && code < 0xe000) return error("half of a surrogate pair");
    if (code >= 0xd800 && code < 0xdc00) {
      uint32_t low = 0;
      if (!take('\\') || !take('u')) return error("half of a surrogate pair");
      SIGNBIT_TRY(parse_hex(&low));
      if (low < 0xdc00 || low >= 0xe000) return error("half of a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(code, out);
    return {};
  }

  Status parse_hex(uint32_t* code) {
    *code = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = at_ == end_ ? -1 : hex_value(*at_);
      if (digit < 0) return error("expected four hexadecimal digits");
      *code = *code << 4 | static_cast<uint32_t>(digit);
      ++at_;
    }
    return {};
  }

  // One character of two to four bytes; overlong forms, surrogates and codes past 10FFFF refused.
  Status copy_utf8(std::string* out) {
    const auto lead = static_cast<unsigned char>(*at_);
    const int length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || end_ - at_ < length) return error("invalid UTF-8");
    uint32_t code = lead & (0xffu >> (length + 1));
    for (int i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(at_[i]);
      if ((next & 0xc0) != 0x80) return error("invalid UTF-8");
      code = code << 6 | (next & 63u);
    }
    const bool overlong = code < (length == 3 ? 0x800u : length == 4 ? 0x10000u : 0x80u);
    if (overlong || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
      return error("invalid UTF-8");
    }
    out->append(at_, static_cast<size_t>(length));
    at_ += length;
    return {};
  }

  const char* begin_;
  const char* at_;
  const char* end_;
  int64_t values_ = 0;
};

}  // namespace

const Json* Json::find(const char* key) const {
  for (const auto& [name, value] : members) {
    if (name == key) return &value;
  }
  return nullptr;
}

Status parse_json(const char* text, size_t size, Json* value) {
  *value = Json();
  return Parser(text, size).parse(value);
}

}  // namespace sbnn
