#include "format/other_size.h"

#include <algorithm>
#include <string>

namespace sbnn {
namespace {

bool fits(int64_t side, Graph* graph) {
  return set_input_size({side, side}, graph).ok() && validate(graph).ok();
}

// The side of small square images that a valid graph can have; 0 where none was found.
int64_t fitting_side(Graph* graph) {
  int64_t side = 0;
  for (const GraphInput& input : graph->inputs) {
    if (input.tensor.kind == Kind::kImage) {
      side = std::max({side, input.tensor.height, input.tensor.width});
    }
  }
  if (side == 0 || !fits(side, graph)) return 0;
  for (int64_t small = 0; side - small > 1;) {
    const int64_t middle = small + (side - small) / 2;
    (fits(middle, graph) ? side : small) = middle;
  }
  return side;
}

std::string times(int64_t height, int64_t width) {
  return std::to_string(height) + "×" + std::to_string(width);
}

}  // namespace

Status set_input_size(Pair size, Graph* graph) {
  if (size.y == 0 && size.x == 0) return {};
  if (!graph->any_size) {
    return {Code::kInput,
            "input_size: the file was compiled for one size of images; compile it "
            "with --any-size"};
  }
  for (GraphInput& input : graph->inputs) {
    if (input.tensor.kind != Kind::kImage) continue;
    // A photo is cut as much as at the file's own size; rounded up, so that it still covers.
    const int64_t own = std::max(input.tensor.height, input.tensor.width);
    input.shorter_side = (input.shorter_side * std::max(size.y, size.x) + own - 1) / own;
    input.tensor.height = size.y;
    input.tensor.width = size.x;
  }
  return {};
}

Status read_at_size(const uint8_t* data, size_t size, Pair input_size, Graph* graph) {
  const Status status = read_model(data, size, input_size, graph);
  const bool own = input_size.y == 0 && input_size.x == 0;
  if (status.ok() || own || status.code() != Code::kModelFile) return status;
  Graph file;
  SIGNBIT_TRY(read_model(data, size, {}, &file));
  std::string message =
      "input_size: " + times(input_size.y, input_size.x) + " does not fit: " + status.message();
  const int64_t side = fitting_side(&file);
  if (side != 0) message += "; images of " + times(side, side) + " fit";
  return {Code::kInput, message};
}

}  // namespace sbnn
