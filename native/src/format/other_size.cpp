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

// A side in pixels where the input's side of `own` becomes `size`; rounded up.
int64_t scaled(int64_t side, int64_t size, int64_t own) { return (side * size + own - 1) / own; }

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
    const TensorSpec& own = input.tensor;
    Resize& rule = input.resize;
    rule.shorter_side =
        scaled(rule.shorter_side, std::max(size.y, size.x), std::max(own.height, own.width));
    rule.both_sides = {scaled(rule.both_sides.y, size.y, own.height),
                       scaled(rule.both_sides.x, size.x, own.width)};
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
