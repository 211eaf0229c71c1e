// Model files of the tests' own: inputs, nodes and constants put together by hand, as
// docs/format.md lays them out, with values drawn from a fixed sequence.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

namespace test {

// The same numbers on every machine (Knuth's 64-bit generator).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint32_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 32);
  }
  // low <= x < high, in steps that float32 holds exactly for small bounds.
  float between(float low, float high) {
    return low + (high - low) * static_cast<float>(next() >> 12) * 0x1p-20f;
  }

 private:
  uint64_t state_;
};

// A file of this header and these bytes of tensors.
inline std::vector<uint8_t> file_of(const std::string& header, const std::vector<uint8_t>& data) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(header.size() >> (8 * i)));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

class ModelWriter {
 public:
  explicit ModelWriter(uint64_t seed) : random_(seed) {}

  // An input of the graph, all of which come before its nodes; returns its number.
  int input(const std::string& kind, int height, int width, int channels) {
    append(&inputs_, R"({"name":"input)" + std::to_string(tensors_) + R"(","kind":")" + kind +
                         R"(","shape":)" + list({height, width, channels}) + "}");
    return tensors_++;
  }

  // A node of this operation, its other keys (steps and outputs among them) as JSON text that is
  // empty or begins with a comma. Returns the number of the first of the tensors that it writes.
  int node(const std::string& op, std::initializer_list<int> inputs, const std::string& keys = "",
           int outputs = 1) {
    append(&nodes_, R"({"name":"node)" + std::to_string(nodes_written_++) + R"(","op":")" + op +
                        R"(","inputs":)" + list(inputs) + keys + "}");
    const int first = tensors_;
    tensors_ += outputs;
    return first;
  }

  // An output of the graph.
  void output(int tensor) {
    append(&outputs_, R"({"name":"output)" + std::to_string(outputs_written_++) + R"(","tensor":)" +
                          std::to_string(tensor) + "}");
  }

  // Constants; each returns its number.
  int floats(std::initializer_list<int> shape, float low, float high) {
    return declare("F32", shape, 4, [&] { return put(random_.between(low, high)); });
  }
  int ints(std::initializer_list<int> shape, int low, int high) {
    const auto range = static_cast<uint32_t>(high - low);
    return declare("I32", shape, 4,
                   [&] { return put(low + static_cast<int32_t>(random_.next() % range)); });
  }
  int shorts(std::initializer_list<int> shape, int low, int high) {
    const auto range = static_cast<uint32_t>(high - low);
    return declare("I16", shape, 2, [&] {
      return put(static_cast<int16_t>(low + static_cast<int32_t>(random_.next() % range)));
    });
  }
  int flips(int channels) {
    return declare("U8", {channels}, 1, [&] { return put(static_cast<uint8_t>(next_bit())); });
  }
  // Signs of `filters` filters with `taps` taps each; unused bits are 0.
  int signs(int filters, int taps) {
    const int words = (taps + 63) / 64;
    int word = 0;
    return declare("U64", {filters, words}, 8, [&] {
      uint64_t bits = uint64_t{random_.next()} << 32 | random_.next();
      if (++word % words == 0 && taps % 64 != 0) bits &= (uint64_t{1} << taps % 64) - 1;
      return put(bits);
    });
  }

  // The graph's JSON text; `keys` are further ones of the graph's, as node() takes them.
  std::string graph(const std::string& keys = "") const {
    return R"({"format":1,"inputs":[)" + inputs_ + R"(],"outputs":[)" + outputs_ +
           R"(],"nodes":[)" + nodes_ + "]" + keys + "}";
  }

  // The file with this text as its graph, whatever it says.
  std::vector<uint8_t> file_with(const std::string& graph) const {
    std::string escaped;
    for (const char c : graph) {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    return file_of(R"({"__metadata__":{"signbit":")" + escaped + R"("})" +
                       (constants_.empty() ? "" : ",") + constants_ + "}",
                   data_);
  }

  std::vector<uint8_t> file(const std::string& keys = "") const { return file_with(graph(keys)); }

 private:
  static void append(std::string* list, const std::string& item) {
    *list += (list->empty() ? "" : ",") + item;
  }

  static std::string list(std::initializer_list<int> numbers) {
    std::string text;
    for (const int number : numbers) append(&text, std::to_string(number));
    return "[" + text + "]";
  }

  uint32_t next_bit() { return random_.next() & 1; }

  template <typename T>
  void put(T value) {
    uint8_t bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    data_.insert(data_.end(), bytes, bytes + sizeof value);
  }

  template <typename Put>
  int declare(const std::string& dtype, std::initializer_list<int> shape, size_t element_bytes,
              Put put_next) {
    size_t count = 1;
    for (const int size : shape) count *= static_cast<size_t>(size);
    const size_t begin = data_.size(), end = begin + count * element_bytes;
    append(&constants_, "\"" + std::to_string(constants_written_) + R"(":{"dtype":")" + dtype +
                            R"(","shape":)" + list(shape) + R"(,"data_offsets":[)" +
                            std::to_string(begin) + "," + std::to_string(end) + "]}");
    for (size_t i = 0; i < count; ++i) put_next();
    return constants_written_++;
  }

  Random random_;
  int tensors_ = 0, nodes_written_ = 0, outputs_written_ = 0, constants_written_ = 0;
  std::string inputs_, outputs_, nodes_, constants_;
  std::vector<uint8_t> data_;
};

}  // namespace test
