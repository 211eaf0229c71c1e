// Answers depend on no host's rounding and flushing: both are as IEEE 754 has them while an
// environment lives, and as they were afterwards.

#include <cfenv>

#include "check.h"
#include "cpu/float_environment.h"

namespace {

// What the CPU makes of values that the compiler does not know.
bool flushes() {
  volatile float tiny = 0x1p-126f;
  return tiny * 0.5f == 0.0f;
}
bool rounds_up() {
  volatile float one = 1.0f;
  return one + 0x1p-30f > 1.0f;
}

#if defined(__aarch64__)
void flush() {
  uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  __asm__ volatile("msr fpcr, %0" : : "r"(control | 1u << 24));
}
#elif defined(__x86_64__)
void flush() { __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040); }
#else
void flush() {}
#endif

}  // namespace

int main() {
  CHECK(!flushes() && !rounds_up());
  std::fesetround(FE_UPWARD);
  flush();
  const bool flushed = flushes();
  CHECK(rounds_up());
  {
    const sbnn::FloatEnvironment environment;
    CHECK(!flushes() && !rounds_up());
  }
  CHECK(flushes() == flushed && rounds_up());
#if defined(__aarch64__) || defined(__x86_64__)
  CHECK(flushed);
#endif
  return test::finish();
}
