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
#include <iterator>
#include <vector>

#include "signbit/engine.h"

namespace {

int fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

std::vector<char> read_bytes(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return fail("usage: run_file MODEL ISA SAMPLES fused|steps INPUT...");
  sbnn::EngineOptions options;
  options.threads = 1;
  options.isa = argv[2];
  options.fuse = std::strcmp(argv[4], "fused") == 0;
  std::unique_ptr<sbnn::Engine> engine;
  if (const sbnn::Status status = sbnn::Engine::open(argv[1], options, &engine); !status.ok()) {
    return fail(status.message());
  }
  const sbnn::Graph& graph = engine->graph();
  sbnn::Batch batch;
  batch.count = std::atoi(argv[3]);
  if (argc != 5 + static_cast<int>(graph.inputs.size())) return fail("one INPUT for each input");
  std::vector<std::vector<char>> arrays;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    arrays.push_back(read_bytes(argv[5 + i]));
    const int64_t values = batch.count * sbnn::element_count(graph.tensors[i]);
    const bool is_float = static_cast<int64_t>(arrays[i].size()) == 4 * values;
    const bool is_image = graph.tensors[i].kind == sbnn::Kind::kImage;
    if (!is_float && !(is_image && static_cast<int64_t>(arrays[i].size()) == values)) {
      return fail(graph.inputs[i].name + ": the file has another size than its samples");
    }
    batch.inputs.push_back({arrays[i].data(), is_float});
  }
  std::vector<std::vector<char>> answers;
  std::vector<void*> outputs;
  for (const sbnn::GraphOutput& output : graph.outputs) {
    const sbnn::TensorSpec& tensor = graph.tensors[static_cast<size_t>(output.tensor)];
    const int64_t bytes = tensor.kind == sbnn::Kind::kBits ? 1 : 4;
    answers.emplace_back(static_cast<size_t>(bytes * batch.count * sbnn::element_count(tensor)));
    outputs.push_back(answers.back().data());
  }
  if (const sbnn::Status status = engine->run(batch, outputs); !status.ok()) {
    return fail(status.message());
  }
  for (const std::vector<char>& answer : answers) {
    std::fwrite(answer.data(), 1, answer.size(), stdout);
  }
  return 0;
}
