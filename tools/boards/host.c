// Semihosting of Arm's and RISC-V's processors: the operation in one register, its argument in
// the next, and an instruction that stops a debugger, which QEMU answers.
#include "host.h"

enum { kWriteText = 0x04, kExitExtended = 0x20 };

static void call_host(uint32_t operation, const void* argument) {
#if defined(__riscv)
  register uint32_t op __asm__("a0") = operation;
  register const void* data __asm__("a1") = argument;
  __asm__ volatile(
      ".option push\n.option norvc\n.balign 16\n"
      "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
      : "+r"(op)
      : "r"(data)
      : "memory");
#else
  register uint32_t op __asm__("r0") = operation;
  register const void* data __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(op) : "r"(data) : "memory");
#endif
}

void say(const char* text) { call_host(kWriteText, text); }

void say_bytes(const void* bytes, size_t count) {
  enum { kAtOnce = 64 };
  static const char kDigits[] = "0123456789abcdef";
  const unsigned char* from = bytes;
  char text[2 * kAtOnce + 1];
  for (size_t done = 0; done < count;) {
    size_t length = 0;
    for (; length < 2 * kAtOnce && done < count; ++done) {
      text[length++] = kDigits[from[done] >> 4];
      text[length++] = kDigits[from[done] & 15];
    }
    text[length] = 0;
    say(text);
  }
  say("\n");
}

void say_number(uint32_t number) {
  char text[11];
  char* first = text + sizeof text - 1;
  *first = 0;
  do {
    *--first = (char)('0' + number % 10);
    number /= 10;
  } while (number > 0);
  say(first);
}

void leave(int status) {
  const uint32_t kApplicationExit = 0x20026;
  const uint32_t block[2] = {kApplicationExit, (uint32_t)status};
  call_host(kExitExtended, block);
  for (;;) {
  }
}
