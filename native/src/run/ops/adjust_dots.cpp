// The dots of a tile made reals before the epilogue, block by block.

#include "run/node_context.h"

namespace sbnn {

void adjust_dots(const NodeContext& context, const Block& block, const Tile& tile,
                 int32_t* values) {
  const NodePlan& node = context.node;
  const FusedNode& spec = context.spec;
  // A real tensor's pixels follow each other from row to row, as the tile's do.
  const auto pixels_of = [&](int tensor, int64_t channels) {
    return tensor == kNone ? nullptr
                           : reinterpret_cast<const float*>(context.frame.tensor(tensor)) +
                                 tile.begin * channels;
  };
  const auto of_block = [&](const AlignedArray<float>& constant) {
    return constant.empty() ? nullptr : constant.data() + block.channel;
  };
  AdjustDotsArgs args{};
  args.pixels = tile.count;
  args.filters = block.filters;
  args.values = values;
  args.value_step = node.tile_step;
  args.map = pixels_of(spec.map, 1);
  args.scale = of_block(node.scale);
  args.shift = of_block(node.shift);
  if (node.shifts_by_border) {
    args.rows = context.scratch.base.data();
    args.first_row = node.binary.base.data();
  }
  if (spec.sums.tensor != kNone) {
    args.sums = pixels_of(spec.sums.tensor, spec.groups) + block.group;
    args.sums_step = spec.groups;
    args.sums_scale = of_block(node.sums_scale);
  }
  context.kernels.adjust_dots(args);
}

}  // namespace sbnn
