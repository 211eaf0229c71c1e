// Cuts a caller's work space into aligned parts. Without memory it only counts.
#pragma once

#include <cstdint>

#include "cpu/memory.h"
#include "format/types.h"

namespace sbnn {

class WorkSpace {
 public:
  explicit WorkSpace(void* memory) : memory_(static_cast<uint8_t*>(memory)) {}

  template <typename T>
  T* take(int64_t count) {
    uint8_t* const part = memory_ == nullptr ? nullptr : memory_ + bytes_;
    bytes_ += round_up(count * static_cast<int64_t>(sizeof(T)), int64_t{kAlignment});
    return reinterpret_cast<T*>(part);
  }
  int64_t bytes() const { return bytes_; }

 private:
  uint8_t* memory_;
  int64_t bytes_ = 0;
};

}  // namespace sbnn
