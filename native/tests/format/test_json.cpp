// The JSON parser reads what RFC 8259 allows and refuses everything else.

#include <string>

#include "check.h"
#include "format/json.h"

using sbnn::Json;

namespace {

bool parses(const std::string& text) {
  Json value;
  return sbnn::parse_json(text.data(), text.size(), &value).ok();
}

Json parsed(const std::string& text) {
  Json value;
  CHECK(sbnn::parse_json(text.data(), text.size(), &value).ok());
  return value;
}

void test_values() {
  CHECK(parsed(" null ").is(Json::Type::kNull));
  CHECK(parsed("true").boolean);
  CHECK(!parsed("false").boolean);
  CHECK(parsed("-0").is(Json::Type::kInteger));
  CHECK(parsed("-120").integer == -120);
  CHECK(parsed("9223372036854775807").integer == INT64_MAX);
  // Beyond int64 it is the nearest one, as every range ends before it.
  CHECK(parsed("9223372036854775808").is(Json::Type::kInteger));
  CHECK(parsed("9223372036854775808").integer == INT64_MAX);
  CHECK(parsed("-" + std::string(1000, '9')).integer == INT64_MIN);
  CHECK(parsed("1.0").is(Json::Type::kNumber));
  CHECK(parsed("1e0").is(Json::Type::kNumber));
  CHECK(parsed("[1, [2], {}]").items[1].items[0].integer == 2);
  const Json object = parsed("{\"a\": 1, \"b\": {\"a\": 2}}");
  CHECK(object.find("b")->find("a")->integer == 2);
  CHECK(object.find("c") == nullptr);
}

void test_strings() {
  CHECK(parsed("\"a\\n\\u0041\\/\\\"\"").string == "a\nA/\"");
  CHECK(parsed("\"\\u00e9\\u20ac\\ud83d\\ude00\"").string == "é€😀");
  CHECK(parsed("\"é€😀\"").string == "é€😀");
  CHECK(parsed("\"\\u0000\"").string == std::string(1, '\0'));
  for (const char* text : {"\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
                           "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\""}) {
    CHECK(!parses(text));
  }
  // Overlong, a surrogate, past 10FFFF, cut short, a lone continuation.
  for (const char* bytes : {"\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xe2\x82", "\x80", "\xff"}) {
    CHECK(!parses("\"" + std::string(bytes) + "\""));
  }
}

void test_grammar() {
  for (const char* text :
       {"",      " ",     "01",  "+1",      "1.",      ".5",       "1e",
        "1e+",   "-",     "--1", "nul",     "True",    "NaN",      "Infinity",
        "[1,]",  "[1 2]", "[",   "]",       "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{a:1}", "{1:1}", "1 2", "// c\n1", "'a'",     "[1]]",     "{\"a\":1 \"b\":2}"}) {
    CHECK(!parses(text));
  }
  CHECK(!parses("{\"a\":1,\"a\":2}"));
  CHECK(!parses("{\"a\":1,\"\\u0061\":2}"));  // the same key, spelt otherwise
  CHECK(!parses(std::string("1\0", 2)));
}

void test_limits() {
  const auto nested = [](int depth, const std::string& inside) {
    return std::string(static_cast<size_t>(depth), '[') + inside +
           std::string(static_cast<size_t>(depth), ']');
  };
  for (const char* inside : {"", "0", "\"[\"", "0,0"}) {
    CHECK(parses(nested(sbnn::kMaxJsonDepth, inside)));
    CHECK(!parses(nested(sbnn::kMaxJsonDepth + 1, inside)));
  }
  CHECK(!parses(std::string(1'000'000, '[')));
  std::string many = "[0";
  for (int64_t i = 0; i < sbnn::kMaxJsonValues; ++i) many += ",0";
  CHECK(!parses(many + "]"));
}

}  // namespace

int main() {
  test_values();
  test_strings();
  test_grammar();
  test_limits();
  return test::finish();
}
