#include "graph_text.h"

#include <cstring>

namespace fuzz {

template <typename Item, typename Draw>
int Constants::add(const char* dtype, std::initializer_list<int64_t> shape, Draw draw) {
  int64_t items = 1;
  for (const int64_t size : shape) items *= size;
  const size_t begin = data_.size();
  data_.resize(begin + static_cast<size_t>(items) * sizeof(Item));
  for (int64_t i = 0; i < items; ++i) {
    const Item item = draw(i);
    std::memcpy(data_.data() + begin + static_cast<size_t>(i) * sizeof item, &item, sizeof item);
  }
  entries_ += ",\"" + std::to_string(count_) + "\":{\"dtype\":\"" + dtype +
              "\",\"shape\":" + list(shape) + ",\"data_offsets\":" +
              list({static_cast<int64_t>(begin), static_cast<int64_t>(data_.size())}) + "}";
  return count_++;
}

int Constants::floats(std::initializer_list<int64_t> shape) {
  return add<float>("F32", shape, [&](int64_t) {
    const int64_t eighths = draws_->between(-32, 32);
    return eighths == 32 ? -0.0f : static_cast<float>(eighths) / 8.0f;
  });
}

int Constants::ints(std::initializer_list<int64_t> shape) {
  return add<int32_t>("I32", shape,
                      [&](int64_t) { return static_cast<int32_t>(draws_->between(-20, 20)); });
}

int Constants::shorts(std::initializer_list<int64_t> shape) {
  return add<int16_t>("I16", shape,
                      [&](int64_t) { return static_cast<int16_t>(draws_->between(-99, 99)); });
}

int Constants::bytes(std::initializer_list<int64_t> shape, int64_t most) {
  return add<uint8_t>("U8", shape,
                      [&](int64_t) { return static_cast<uint8_t>(draws_->between(0, most)); });
}

int Constants::filters(int64_t count, int64_t taps) {
  const int64_t words = (taps + 63) / 64;
  return add<uint64_t>("U64", {count, words}, [&](int64_t i) {
    const uint64_t word = draws_->bits() * 0x9e3779b97f4a7c15u;
    const bool last = i % words == words - 1;
    return last && taps % 64 != 0 ? word & ((uint64_t{1} << (taps % 64)) - 1) : word;
  });
}

std::vector<uint8_t> file_of(const GraphText& text) {
  std::string quoted;
  for (const char letter : text.graph) {
    if (letter == '"' || letter == '\\') quoted += '\\';
    quoted += letter;
  }
  const std::string header =
      "{\"__metadata__\":{\"signbit\":\"" + quoted + "\"}" + text.entries + "}";
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < 8; ++i) {
    bytes.push_back(static_cast<uint8_t>(uint64_t{header.size()} >> (8 * i)));
  }
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), text.data.begin(), text.data.end());
  return bytes;
}

}  // namespace fuzz
