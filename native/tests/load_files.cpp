// Loads files by the C API and prints a line for each: the status, and the text of an error.
//
//   load_files MODEL...

#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

#include "signbit.h"

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::vector<char> data{std::istreambuf_iterator<char>(file), {}};
    signbit_model* model = nullptr;
    const signbit_status status = signbit_load_memory(data.data(), data.size(), nullptr, &model);
    std::printf("%d %s\n", status, status == SIGNBIT_OK ? "" : signbit_error_text());
    signbit_model_free(model);
  }
  return 0;
}
