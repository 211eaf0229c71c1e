#include "damage.h"

#include <cctype>

namespace fuzz {
namespace {

struct Span {
  size_t begin, end;
};

// Numbers and quoted words, where a JSON text may be changed without breaking it.
std::vector<Span> tokens_of(const std::string& text) {
  std::vector<Span> tokens;
  for (size_t i = 0; i < text.size();) {
    size_t end = i + 1;
    if (text[i] == '"') {
      while (end < text.size() && text[end] != '"') ++end;
      tokens.push_back({i, ++end});
    } else if (std::isdigit(static_cast<unsigned char>(text[i])) != 0) {
      while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
      tokens.push_back({i, end});
    }
    i = end;
  }
  return tokens;
}

const std::vector<std::string>& odd_values() {
  static const std::vector<std::string> values = {"0",          "1",
                                                  "2",          "3",
                                                  "7",          "64",
                                                  "-1",         "16384",
                                                  "16385",      "65535",
                                                  "65536",      "2147483648",
                                                  "4294967297", "1e99",
                                                  "true",       "null",
                                                  "\"\"",       "[]",
                                                  "{}",         "[0,0]",
                                                  "[[0,1]]",    "[1,1,1,1]",
                                                  "1.0",        "-0",
                                                  "false",      "9999999999999999999"};
  return values;
}

void change_token(Draws* draws, std::string* text) {
  const std::vector<Span> tokens = tokens_of(*text);
  if (tokens.empty()) return;
  const Span to = draws->one_of(tokens), from = draws->one_of(tokens);
  const std::string other = draws->chance(2) ? text->substr(from.begin, from.end - from.begin)
                                             : draws->one_of(odd_values());
  text->replace(to.begin, to.end - to.begin, other);
}

void change_letters(Draws* draws, std::string* text) {
  if (text->empty()) return;
  const auto at = static_cast<size_t>(draws->between(0, static_cast<int64_t>(text->size()) - 1));
  if (draws->chance(2)) {
    (*text)[at] = static_cast<char>(draws->between(0, 255));
  } else {
    text->erase(at, static_cast<size_t>(draws->between(1, 30)));
  }
}

}  // namespace

void damage(Draws* draws, GraphText* text) {
  for (int64_t i = draws->between(1, 3); i > 0; --i) {
    switch (draws->between(0, 9)) {
      case 0:
        change_letters(draws, &text->graph);
        break;
      case 1:
        change_token(draws, &text->entries);
        break;
      case 2:
        if (text->data.empty()) break;
        text->data[static_cast<size_t>(draws->bits()) % text->data.size()] =
            static_cast<uint8_t>(draws->between(0, 255));
        break;
      default:
        change_token(draws, &text->graph);
    }
  }
}

}  // namespace fuzz
