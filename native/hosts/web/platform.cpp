// What the engine needs of a system, where there is none but JavaScript's.
//
// Exceptions are not compiled, as browsers differ in them: the core throws where memory is lacking
// and nowhere else, and then the instance ends, by an exception of JavaScript's.
#include <cstdlib>
#include <ctime>
#include <new>

// The functions of JavaScript that an instance is made with.
#define IMPORT(name) __attribute__((import_module("signbit"), import_name(name)))
[[noreturn]] IMPORT("out_of_memory") void out_of_memory();
IMPORT("milliseconds") double milliseconds();

void* operator new(size_t bytes) {
  void* const memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) out_of_memory();
  return memory;
}
void* operator new[](size_t bytes) { return operator new(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

extern "C" {

void* __cxa_allocate_exception(size_t) noexcept { out_of_memory(); }
void __cxa_free_exception(void*) noexcept {}
[[noreturn]] void __cxa_throw(void*, void*, void (*)(void*)) { out_of_memory(); }
[[noreturn]] void __cxa_rethrow() { out_of_memory(); }

// No environment, and one clock.
char* getenv(const char*) { return nullptr; }
int clock_gettime(clockid_t, timespec* time) {
  const double now = milliseconds();
  time->tv_sec = static_cast<time_t>(now / 1e3);
  time->tv_nsec = static_cast<long>((now - static_cast<double>(time->tv_sec) * 1e3) * 1e6);
  return 0;
}

}  // extern "C"
