// Runs one file, so that answers can be taken from a machine that has no Python, or is emulated.
//
//   run_file MODEL ISA SAMPLES fused|steps INPUT...
//
// An INPUT holds the samples of one input in a row: float32, or uint8 of an image. The outputs go
// to the standard output in the graph's order: float32 of reals, int8 of signs.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#if defined(_WIN32)
#include <fcntl.h>
#include <io.h>
#endif

#include "api/internal.h"

namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

std::vector<char> read_bytes(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  std::vector<char> bytes(static_cast<size_t>(file.tellg()));
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

signbit_array as_array(std::vector<char>* bytes, signbit_type type) {
  return {bytes->data(), bytes->size(), type};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return fail("usage: run_file MODEL ISA SAMPLES fused|steps INPUT...");
  const std::vector<char> file = read_bytes(argv[1]);
  signbit_options options{};
  options.size = sizeof options;
  options.threads = 1;
  options.isa = argv[2];
  const bool fuse = std::strcmp(argv[4], "fused") == 0;
  signbit_model* model = nullptr;
  signbit_context* context = nullptr;
  if (sbnn::api::load(file.data(), file.size(), &options, {false, fuse}, &model) != SIGNBIT_OK ||
      signbit_context_create(model, &context) != SIGNBIT_OK) {
    return fail(signbit_error_text());
  }
  const int64_t samples = std::atoi(argv[3]);
  signbit_tensor tensor{};
  tensor.size = sizeof tensor;
  std::vector<std::vector<char>> given, answers;
  std::vector<signbit_array> inputs, outputs;
  for (int i = 5; i < argc; ++i) given.push_back(read_bytes(argv[i]));
  for (size_t i = 0; i < given.size(); ++i) {
    if (signbit_input(model, i, &tensor) != SIGNBIT_OK) return fail(signbit_error_text());
    const int64_t values = samples * tensor.height * tensor.width * tensor.channels;
    const bool is_pixels =
        tensor.kind == SIGNBIT_IMAGE && static_cast<int64_t>(given[i].size()) == values;
    inputs.push_back(as_array(&given[i], is_pixels ? SIGNBIT_UINT8 : SIGNBIT_FLOAT32));
  }
  for (size_t i = 0; i < signbit_output_count(model); ++i) {
    if (signbit_output(model, i, &tensor) != SIGNBIT_OK) return fail(signbit_error_text());
    const bool is_real = tensor.kind == SIGNBIT_REALS;
    answers.emplace_back(static_cast<size_t>((is_real ? 4 : 1) * samples * tensor.height *
                                             tensor.width * tensor.channels));
    outputs.push_back(as_array(&answers.back(), is_real ? SIGNBIT_FLOAT32 : SIGNBIT_INT8));
  }
  if (signbit_run(context, samples, inputs.data(), inputs.size(), outputs.data(), outputs.size()) !=
      SIGNBIT_OK) {
    return fail(signbit_error_text());
  }
#if defined(_WIN32)
  _setmode(_fileno(stdout), _O_BINARY);  // or each byte 10 becomes two
#endif
  for (const std::vector<char>& answer : answers) {
    std::fwrite(answer.data(), 1, answer.size(), stdout);
  }
  signbit_context_free(context);
  signbit_model_free(model);
  return 0;
}
