// The parts of a model file while it is put together: the graph's JSON text and the constants.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "draws.h"
#include "format/table.h"

namespace fuzz {

inline std::string list(std::initializer_list<int64_t> values) {
  std::string text;
  for (const int64_t value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
  return "[" + text + "]";
}

inline std::string field(const std::string& key, const std::string& value) {
  return ",\"" + key + "\":" + value;
}

// The file's tensors: their entries in the header, and their bytes.
class Constants {
 public:
  explicit Constants(Draws* draws) : draws_(draws) {}

  // Each returns the constant's number. Floats are small multiples of 1/8, some of them -0.0.
  int floats(std::initializer_list<int64_t> shape);
  int ints(std::initializer_list<int64_t> shape);
  int shorts(std::initializer_list<int64_t> shape);
  int bytes(std::initializer_list<int64_t> shape, int64_t most);
  // Packed signs of so many filters of so many taps.
  int filters(int64_t count, int64_t taps);

  const std::string& entries() const { return entries_; }
  const std::vector<uint8_t>& data() const { return data_; }

 private:
  template <typename Item, typename Draw>
  int add(const char* dtype, std::initializer_list<int64_t> shape, Draw draw);

  Draws* draws_;
  std::string entries_;
  std::vector<uint8_t> data_;
  int count_ = 0;
};

struct GraphText {
  std::string graph;    // JSON
  std::string entries;  // of the constants in the header, each with a comma in front
  std::vector<uint8_t> data;
};

// The whole file.
std::vector<uint8_t> file_of(const GraphText& text);

}  // namespace fuzz
