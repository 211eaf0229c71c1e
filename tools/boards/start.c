// From reset to main and out again, on the boards that QEMU emulates. The last line that a program
// prints is how many bytes of stack it needed.
#include <stdint.h>

#include "host.h"

extern uint32_t stack_top[], data_load[], data_start[], data_end[], bss_start[], bss_end[];
extern int main(void);

static const uint32_t kUnused = 0xa5c35a3cu;

// Below the stack's top so much is marked, to see how deep a program goes.
enum { kMarkedWords = 16384 };

static uint32_t deepest(void) {
  const uint32_t* word = stack_top - kMarkedWords;
  while (word < stack_top && *word == kUnused) ++word;
  return (uint32_t)(stack_top - word) * 4;
}

void __attribute__((used, noreturn)) start(void) {
  const uint32_t* from = data_load;
  for (uint32_t* to = data_start; to < data_end;) *to++ = *from++;
  for (uint32_t* to = bss_start; to < bss_end;) *to++ = 0;
  uint32_t* const here = __builtin_frame_address(0);
  for (volatile uint32_t* to = stack_top - kMarkedWords; to < here - 16;) *to++ = kUnused;
  const int status = main();
  say("stack ");
  say_number(deepest());
  say("\n");
  leave(status);
}

#if defined(__riscv)
void __attribute__((naked, used, section(".first"))) reset(void) {
  __asm__ volatile("la sp, stack_top\n j start");
}
#else
static void fault(void) {
  say("fault\n");
  leave(1);
}

void __attribute__((used)) reset(void) {
#if defined(__ARM_FP)
  *(volatile uint32_t*)0xe000ed88 |= 0xfu << 20;  // the FPU's two coprocessors may be used
  __asm__ volatile("dsb\n isb");
#endif
  start();
}

__attribute__((section(".first"), used)) static const uint32_t kVectors[16] = {
    (uint32_t)stack_top, (uint32_t)reset, (uint32_t)fault, (uint32_t)fault,
    (uint32_t)fault,     (uint32_t)fault, (uint32_t)fault};
#endif
