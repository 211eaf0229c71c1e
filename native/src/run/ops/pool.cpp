// Maxima and means of windows.

#include <algorithm>

#include "run/ops/body.h"
#include "run/ops/pool_window.h"
#include "run/ops/pools.h"

namespace sbnn {
namespace {

struct PoolBody : NodeContext {
  using Kernel = void (*)(const PoolArgs&);

  explicit PoolBody(const NodeContext& context) : NodeContext(context) {}

  // Neighbours whose windows have all their columns go to the kernel together.
  void pool_pixels(const Tile& tile, const PoolArgs& source, Kernel kernel) {
    int64_t y = tile.begin / node.width, x = tile.begin % node.width;
    for (int64_t done = 0; done < tile.count;) {
      const PoolWindow window = pool_window(spec, input, y, x);
      PoolArgs args = source;
      args.first += window.y * source.row_step + window.x * source.column_step;
      args.rows = window.rows;
      args.columns = window.columns;
      args.row_step = spec.dilation.y * source.row_step;
      args.column_step = spec.dilation.x * source.column_step;
      args.windows = 1;
      if (window.columns == spec.kernel.x) {
        const int64_t whole = (input.width - columns_spanned(spec) - window.x) / spec.stride.x + 1;
        args.windows = std::min({whole, node.width - x, tile.count - done});
      }
      args.window_step = spec.stride.x * source.column_step;
      args.divisor = divisor(y, x, window);
      args.result = reinterpret_cast<float*>(scratch.tile.data()) + done * node.tile_step;
      args.result_step = node.tile_step;
      kernel(args);
      done += args.windows;
      x += args.windows;
      if (x == node.width) {
        x = 0;
        ++y;
      }
    }
  }

  // Of an average: its taps inside the input, or inside the padded input.
  float divisor(int64_t y, int64_t x, const PoolWindow& window) const {
    if (!spec.count_padding) return static_cast<float>(window.rows * window.columns);
    const int64_t bottom = input.height + spec.padding.top + spec.padding.bottom;
    const int64_t right = input.width + spec.padding.left + spec.padding.right;
    const int64_t rows = std::min(spec.kernel.y, bottom - y * spec.stride.y);
    const int64_t columns = std::min(spec.kernel.x, right - x * spec.stride.x);
    return static_cast<float>(rows * columns);
  }

  // A kernel's arguments for a tensor of reals, before its windows are known.
  PoolArgs arguments() const {
    PoolArgs args{};
    args.first = reals(spec.input);
    args.row_step = input.width * input.channels;
    args.column_step = input.channels;
    args.channels = input.channels;
    return args;
  }
};

}  // namespace

void max_pool(const NodeContext& context, const Tile& tile) {
  if (context.input.kind == Kind::kBits) {
    unpack_largest_signs(context, tile);
    return;
  }
  PoolBody body(context);
  body.pool_pixels(tile, body.arguments(), body.kernels.max_pool);
}

void avg_pool(const NodeContext& context, const Tile& tile) {
  PoolBody body(context);
  body.pool_pixels(tile, body.arguments(), body.kernels.avg_pool);
}

void pool_sums(const NodeContext& context, const SumRows& sums, const Tile& tile) {
  PoolBody body(context);
  PoolArgs args{};
  args.first = reinterpret_cast<const float*>(sums.first);
  args.channels = body.input.channels;
  args.row_step = sums.row_step;
  args.column_step = sums.column_step;
  args.order = sums.order;
  body.pool_pixels(tile, args, sums.integer ? body.kernels.max_sums : body.kernels.max_pool);
}

}  // namespace sbnn
