// A test's own few lines: CHECK counts what fails and says where; main returns finish().
#pragma once

#include <cstdio>

namespace test {

inline int& failures() {
  static int count = 0;
  return count;
}

inline int finish() {
  if (failures() > 0) std::fprintf(stderr, "%d checks failed\n", failures());
  return failures() == 0 ? 0 : 1;
}

}  // namespace test

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      ++test::failures();                                                  \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                      \
  } while (false)
