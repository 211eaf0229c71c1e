// Model files of the tests' own: tensors, nodes and constants put together by hand, as
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

class ModelWriter {
 public:
  explicit ModelWriter(uint64_t seed) : random_(seed) {}

  void tensor(const std::string& name, const std::string& kind, int height, int width,
              int channels) {
    append(&tensors_, R"({"name":")" + name + R"(","kind":")" + kind + R"(","height":)" +
                          std::to_string(height) + R"(,"width":)" + std::to_string(width) +
                          R"(,"channels":)" + std::to_string(channels) + "}");
  }

  // A node's JSON without its braces.
  void node(const std::string& fields) { append(&nodes_, "{" + fields + "}"); }

  void floats(const std::string& name, std::initializer_list<int> shape, float low, float high) {
    declare(name, "F32", shape, 4, [&] { return put(random_.between(low, high)); });
  }
  void ints(const std::string& name, std::initializer_list<int> shape, int low, int high) {
    const auto range = static_cast<uint32_t>(high - low);
    declare(name, "I32", shape, 4,
            [&] { return put(low + static_cast<int32_t>(random_.next() % range)); });
  }
  void flips(const std::string& name, int channels) {
    declare(name, "U8", {channels}, 1, [&] { return put(static_cast<uint8_t>(next_bit())); });
  }
  // Signs of `filters` filters with `taps` taps each; unused bits are 0.
  void signs(const std::string& name, int filters, int taps) {
    const int words = (taps + 63) / 64;
    int word = 0;
    declare(name, "U64", {filters, words}, 8, [&] {
      uint64_t bits = uint64_t{random_.next()} << 32 | random_.next();
      if (++word % words == 0 && taps % 64 != 0) bits &= (uint64_t{1} << taps % 64) - 1;
      return put(bits);
    });
  }

  std::vector<uint8_t> file(const std::string& input, const std::string& output,
                            int version = 1) const {
    const std::string graph =
        R"({"format":)" + std::to_string(version) + R"(,"input":{"tensor":")" + input +
        R"(","resize_shorter_side":1,"interpolation":"bilinear"},"output":")" + output +
        R"(","classes":[],"source":{},"tensors":[)" + tensors_ + R"(],"nodes":[)" + nodes_ + "]}";
    std::string escaped;
    for (const char c : graph) {
      if (c == '"') escaped += '\\';
      escaped += c;
    }
    const std::string header =
        R"({"__metadata__":{"signbit":")" + escaped + R"("},)" + constants_ + "}";
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < 8; ++i) bytes.push_back(static_cast<uint8_t>(header.size() >> (8 * i)));
    bytes.insert(bytes.end(), header.begin(), header.end());
    bytes.insert(bytes.end(), data_.begin(), data_.end());
    return bytes;
  }

 private:
  static void append(std::string* list, const std::string& item) {
    *list += (list->empty() ? "" : ",") + item;
  }

  uint32_t next_bit() { return random_.next() & 1; }

  template <typename T>
  void put(T value) {
    uint8_t bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    data_.insert(data_.end(), bytes, bytes + sizeof value);
  }

  template <typename Put>
  void declare(const std::string& name, const std::string& dtype, std::initializer_list<int> shape,
               size_t element_bytes, Put put_next) {
    std::string sizes;
    size_t count = 1;
    for (const int size : shape) {
      append(&sizes, std::to_string(size));
      count *= static_cast<size_t>(size);
    }
    const size_t begin = data_.size(), end = begin + count * element_bytes;
    append(&constants_, "\"" + name + R"(":{"dtype":")" + dtype + R"(","shape":[)" + sizes +
                            R"(],"data_offsets":[)" + std::to_string(begin) + "," +
                            std::to_string(end) + "]}");
    for (size_t i = 0; i < count; ++i) put_next();
  }

  Random random_;
  std::string tensors_, nodes_, constants_;
  std::vector<uint8_t> data_;
};

}  // namespace test
