// Numbers drawn from a fuzzer's bytes, and once those are used up from a generator that they seed:
// a short input yields a whole graph, and a changed byte changes what is drawn there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fuzz {

class Draws {
 public:
  Draws(const uint8_t* data, size_t size) : data_(data), size_(size) {
    for (size_t i = 0; i < size; ++i) state_ = (state_ ^ data[i]) * 0x100000001b3u;  // FNV-1a
  }

  uint64_t bits() {
    if (at_ < size_) return data_[at_++];
    state_ ^= state_ << 13;  // xorshift
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ >> 11;
  }
  // low to high, both included.
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(bits() % static_cast<uint64_t>(high - low + 1));
  }
  bool chance(int64_t in) { return between(1, in) == 1; }

  template <typename T>
  const T& one_of(const std::vector<T>& items) {
    return items[static_cast<size_t>(between(0, static_cast<int64_t>(items.size()) - 1))];
  }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
  uint64_t state_ = 0xcbf29ce484222325u;
};

}  // namespace fuzz
