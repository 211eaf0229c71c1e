// The compiler's own where it has one, as toolchains without a C library have no other.
#if __has_include(<stdint-gcc.h>)
#include <stdint-gcc.h>
#else
#include_next <stdint.h>
#endif
