// Zeroed memory, aligned to a cache line, with slack so that whole vectors may be read past the
// end. The allocation ends with the slack, so that AddressSanitizer sees what goes beyond. All
// large buffers are such arrays; a host may say where they come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace sbnn {

constexpr size_t kAlignment = 64;
constexpr size_t kSlackBytes = 128;  // two of the widest vectors

// Both functions may be called by several threads at once.
struct Allocator {
  void* user = nullptr;
  void* (*allocate)(void* user, size_t bytes, size_t alignment) = nullptr;  // nullptr: no memory
  void (*release)(void* user, void* memory, size_t bytes) = nullptr;
};

// Sets the process's; with null functions it is the C library's again. False once memory has been
// allocated, as it goes back to where it came from.
bool set_allocator(const Allocator& allocator) noexcept;

// Memory at a multiple of kAlignment. Throws std::bad_alloc.
void* allocate_aligned(size_t bytes);
void release_aligned(void* memory, size_t bytes) noexcept;

template <typename T>
class AlignedArray {
 public:
  AlignedArray() = default;

  // Throws std::bad_alloc, which the engine's boundary turns into Code::kMemory.
  explicit AlignedArray(size_t count) : count_(count) {
    if (count > (SIZE_MAX / 2) / sizeof(T)) throw std::bad_alloc();
    data_ = static_cast<T*>(std::memset(allocate_aligned(allocated()), 0, allocated()));
  }

  AlignedArray(AlignedArray&& other) noexcept { swap(other); }
  AlignedArray& operator=(AlignedArray&& other) noexcept {
    swap(other);
    return *this;
  }
  AlignedArray(const AlignedArray&) = delete;
  AlignedArray& operator=(const AlignedArray&) = delete;
  ~AlignedArray() {
    if (data_ != nullptr) release_aligned(data_, allocated());
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return count_; }
  size_t bytes() const { return count_ * sizeof(T); }
  bool empty() const { return count_ == 0; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }

 private:
  size_t allocated() const { return bytes() + kSlackBytes; }

  void swap(AlignedArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }

  T* data_ = nullptr;
  size_t count_ = 0;
};

}  // namespace sbnn
