#include "cpu/float_environment.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace sbnn {
namespace {

#if defined(__x86_64__)

constexpr uint64_t kDefault = 0x1f80;  // every exception masked
uint64_t control() { return _mm_getcsr(); }
void set_control(uint64_t value) { _mm_setcsr(static_cast<unsigned>(value)); }

#elif defined(__aarch64__)

constexpr uint64_t kDefault = 0;  // NaNs keep their bits, too
uint64_t control() {
  uint64_t value;
  __asm__ volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void set_control(uint64_t value) { __asm__ volatile("msr fpcr, %0" : : "r"(value)); }

#else

// Elsewhere nothing flushes subnormals.
constexpr uint64_t kDefault = FE_TONEAREST;
uint64_t control() { return static_cast<uint64_t>(std::fegetround()); }
void set_control(uint64_t value) { std::fesetround(static_cast<int>(value)); }

#endif

}  // namespace

FloatEnvironment::FloatEnvironment() : saved_(control()) { set_control(kDefault); }

FloatEnvironment::~FloatEnvironment() { set_control(saved_); }

}  // namespace sbnn
