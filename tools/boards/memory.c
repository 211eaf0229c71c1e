// The functions of string.h that compilers and generated code call.
#include <string.h>

void* memcpy(void* restrict to, const void* restrict from, size_t count) {
  unsigned char* out = to;
  const unsigned char* in = from;
  for (size_t i = 0; i < count; ++i) out[i] = in[i];
  return to;
}

void* memmove(void* to, const void* from, size_t count) {
  unsigned char* out = to;
  const unsigned char* in = from;
  if (out < in) return memcpy(to, from, count);
  for (size_t i = count; i > 0; --i) out[i - 1] = in[i - 1];
  return to;
}

void* memset(void* to, int value, size_t count) {
  unsigned char* out = to;
  for (size_t i = 0; i < count; ++i) out[i] = (unsigned char)value;
  return to;
}

int memcmp(const void* one, const void* other, size_t count) {
  const unsigned char *a = one, *b = other;
  for (size_t i = 0; i < count; ++i) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}
