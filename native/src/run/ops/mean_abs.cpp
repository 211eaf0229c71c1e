#include "run/ops/body.h"

namespace sbnn {

void mean_abs(const NodeContext& context, const Tile& tile) {
  const int64_t channels = context.input.channels;
  MeanAbsArgs args{};
  args.first = context.reals(context.spec.input) + tile.begin * channels;
  args.pixels = tile.count;
  args.channels = channels;
  args.divisor = static_cast<float>(channels);
  args.result = reinterpret_cast<float*>(context.scratch.tile.data());
  args.result_step = context.node.tile_step;
  context.kernels.mean_abs(args);
}

}  // namespace sbnn
