#include "cpu/memory.h"

#include <atomic>
#include <cstdlib>

namespace sbnn {
namespace {

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
  void* memory = nullptr;
  if (allocator.allocate != nullptr) {
    memory = allocator.allocate(allocator.user, bytes, kAlignment);
  } else if (posix_memalign(&memory, kAlignment, bytes) != 0) {
    // Not aligned_alloc, which wants whole multiples of the alignment.
    memory = nullptr;
  }
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void release_aligned(void* memory, size_t bytes) noexcept {
  const Allocator& allocator = process_allocator();
  if (allocator.release != nullptr) {
    allocator.release(allocator.user, memory, bytes);
  } else {
    std::free(memory);
  }
}

}  // namespace sbnn
