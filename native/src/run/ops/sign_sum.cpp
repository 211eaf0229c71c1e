// The body of sign_sum: signs summed over a window's rows, column by column, then over its columns.

#include "run/ops/body.h"

namespace sbnn {
namespace {

struct SignSumBody : NodeContext {
  explicit SignSumBody(const NodeContext& context)
      : NodeContext(context),
        rows(spec.row_axis(input.height)),
        columns(spec.column_axis(input.width)) {}

  void sum_tile(const Tile& tile) {
    auto* values = reinterpret_cast<float*>(scratch.tile.data());
    int64_t y = tile.begin / node.width, x = tile.begin % node.width;
    for (int64_t left = tile.count; left > 0; ++y, x = 0) {
      const int64_t end = std::min(node.width, x + left);
      left -= end - x;
      sum_row(y, x, end, values);
      values += (end - x) * node.tile_step;
    }
  }

  // Outputs [x, end) of row y.
  void sum_row(int64_t y, int64_t x, int64_t end, float* values) {
    const TapRange inside = rows.taps_inside(y);
    const int64_t first = std::clamp<int64_t>(column_of(x, 0), 0, input.width);
    const int64_t last =
        std::clamp<int64_t>(column_of(end - 1, spec.kernel.x - 1) + 1, first, input.width);
    if (inside.first < inside.last) {
      sum_columns(y * spec.stride.y - spec.padding.top, inside, first, last);
    }
    for (; x < end; ++x, values += node.tile_step) {
      TapRange taps{0, spec.kernel.x};
      if (column_of(x, 0) < 0 || column_of(x, spec.kernel.x - 1) >= input.width) {
        taps = columns.taps_inside(x);
      }
      if (inside.first == inside.last) taps = {0, 0};
      for (int64_t group = 0; group < spec.groups; ++group) {
        int32_t sum = 0;
        for (int64_t tap = taps.first; tap < taps.last; ++tap) {
          sum += scratch.sign_sums[static_cast<size_t>((column_of(x, tap) - first) * spec.groups +
                                                       group)];
        }
        values[group] = static_cast<float>(sum);
      }
    }
  }

  int64_t column_of(int64_t x, int64_t tap) const {
    return x * spec.stride.x - spec.padding.left + tap * spec.dilation.x;
  }

  // Columns [first, last), over the rows of these taps of a window that begins at row `top`.
  void sum_columns(int64_t top, const TapRange& taps, int64_t first, int64_t last) {
    SignSumsArgs args{};
    args.first = frame.tensor(spec.input) + input.at(top + taps.first * spec.dilation.y, first);
    args.rows = taps.last - taps.first;
    args.row_step = spec.dilation.y * input.row_bytes;
    args.columns = last - first;
    args.column_step = input.pixel_bytes;
    // Without groups all of a pixel counts, whatever groups its layout has: gaps between them are
    // 0.
    args.groups = spec.groups;
    args.group_bytes = spec.groups == 1 ? input.pixel_bytes : input.bits.group_bytes;
    args.group_channels = input.channels / spec.groups;
    args.sums = scratch.sign_sums.data();
    kernels.sign_sums(args);
  }

  Axis rows, columns;
};

}  // namespace

void sign_sum(const NodeContext& context, const Tile& tile) { SignSumBody(context).sum_tile(tile); }

}  // namespace sbnn
