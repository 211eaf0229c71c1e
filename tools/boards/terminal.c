// As host.c, for a program that runs on a desktop computer.
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

void say(const char* text) { fputs(text, stdout); }

void say_bytes(const void* bytes, size_t count) {
  const unsigned char* from = bytes;
  for (size_t i = 0; i < count; ++i) printf("%02x", from[i]);
  putchar('\n');
}

void say_number(uint32_t number) { printf("%lu", (unsigned long)number); }

void leave(int status) { exit(status); }
