#include "cpu/memory.h"

#include <atomic>
#include <cstdlib>

#if defined(_WIN32)
#include <malloc.h>
#endif

namespace sbnn {
namespace {

#if defined(_WIN32)
void* allocate(size_t bytes) { return _aligned_malloc(bytes, kAlignment); }
void release(void* memory) { _aligned_free(memory); }
#else
// Not aligned_alloc, which wants whole multiples of the alignment.
void* allocate(size_t bytes) {
  void* memory = nullptr;
  return posix_memalign(&memory, kAlignment, bytes) == 0 ? memory : nullptr;
}
void release(void* memory) { std::free(memory); }
#endif

Allocator& process_allocator() {
  static Allocator allocator;
  return allocator;
}

std::atomic<bool>& has_allocated() {
  static std::atomic<bool> value{false};
  return value;
}

}  // namespace

bool set_allocator(const Allocator& allocator) noexcept {
  if (has_allocated()) return false;
  process_allocator() = allocator;
  return true;
}

void* allocate_aligned(size_t bytes) {
  if (!has_allocated().load(std::memory_order_relaxed)) has_allocated() = true;
  const Allocator& allocator = process_allocator();
  void* const memory = allocator.allocate == nullptr
                           ? allocate(bytes)
                           : allocator.allocate(allocator.user, bytes, kAlignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void release_aligned(void* memory, size_t bytes) noexcept {
  const Allocator& allocator = process_allocator();
  if (allocator.release != nullptr) {
    allocator.release(allocator.user, memory, bytes);
  } else {
    release(memory);
  }
}

}  // namespace sbnn
