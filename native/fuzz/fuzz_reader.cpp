// Any bytes through the reader: it refuses or accepts them, and touches nothing beyond.

#include "format/graph.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sbnn::Graph graph;
  (void)sbnn::read_model(data, size, {0, 0}, &graph).ok();
  return 0;
}
