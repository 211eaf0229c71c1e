// Written graphs with small damage through the reader.

#include "damage.h"
#include "graph_writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Draws draws(data, size);
  fuzz::GraphText text = fuzz::GraphWriter(&draws).write();
  fuzz::damage(&draws, &text);
  const std::vector<uint8_t> file = fuzz::file_of(text);
  sbnn::Graph graph;
  (void)sbnn::read_model(file.data(), file.size(), {0, 0}, &graph).ok();
  return 0;
}
