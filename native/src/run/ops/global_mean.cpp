// The mean of all pixels: row sums are added up as an average pool adds its taps, from +0.0, in
// order.

#include "run/ops/body.h"

namespace sbnn {

void global_mean(const NodeContext& context, const Tile&) {
  const TensorLayout& input = context.input;
  const int64_t step = row_sums_step(input.channels);
  PoolArgs args{};
  args.first = context.frame.input_row_sums;
  if (args.first == nullptr) {
    RowSumsArgs sums{};
    sums.first = context.reals(context.spec.input);
    sums.rows = input.height;
    sums.columns = input.width;
    sums.row_step = input.width * input.channels;
    sums.column_step = input.channels;
    sums.channels = input.channels;
    sums.sums = context.scratch.row_sums.data();
    sums.sums_step = step;
    context.kernels.row_sums(sums);
    args.first = sums.sums;
  }
  args.rows = input.height;
  args.columns = 1;
  args.windows = 1;
  args.row_step = step;
  args.column_step = step;
  args.channels = input.channels;
  args.divisor = static_cast<float>(input.pixels());
  args.result = reinterpret_cast<float*>(context.scratch.tile.data());
  context.kernels.avg_pool(args);
}

}  // namespace sbnn
