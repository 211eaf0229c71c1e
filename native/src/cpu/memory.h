// Zeroed memory, aligned to a cache line, with slack so that whole vectors may be read past the
// end. The allocation ends with the slack, so that AddressSanitizer sees what goes beyond.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace sbnn {

constexpr size_t kAlignment = 64;
constexpr size_t kSlackBytes = 128;  // two of the widest vectors

template <typename T>
class AlignedArray {
 public:
  AlignedArray() = default;

  // Throws std::bad_alloc, which the engine's boundary turns into Code::kMemory.
  explicit AlignedArray(size_t count) : count_(count) {
    if (count > (SIZE_MAX / 2) / sizeof(T)) throw std::bad_alloc();
    const size_t bytes = count * sizeof(T) + kSlackBytes;
    void* memory = nullptr;  // not aligned_alloc, which wants whole multiples of the alignment
    if (posix_memalign(&memory, kAlignment, bytes) != 0) throw std::bad_alloc();
    data_ = static_cast<T*>(std::memset(memory, 0, bytes));
  }

  AlignedArray(AlignedArray&& other) noexcept { swap(other); }
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    swap(other);
    return *this;
  }
  AlignedArray(const AlignedArray&) = delete;
  AlignedArray& operator=(const AlignedArray&) = delete;
  ~AlignedArray() { std::free(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }
  bool empty() const { return count_ == 0; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }

 private:
  void swap(AlignedArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }

  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace sbnn
