// The bodies without weights: pools, means, pixels as they are or times a map.

#include <cstring>

#include "run/node_context.h"

namespace sbnn {
namespace {

const float* real_pixels(const NodeContext& context, int tensor) {
  return reinterpret_cast<const float*>(context.frame.tensor(tensor));
}

struct PoolBody : NodeContext {
  using Kernel = void (*)(const PoolArgs&);

  explicit PoolBody(const NodeContext& context) : NodeContext(context) {}

  // The part of a pool's window that lies inside its input.
  struct Window {
    int64_t y, x, rows, columns;
  };
  Window pool_window(int64_t y, int64_t x) const {
    const int64_t top = y * spec.stride.y - spec.padding.y;
    const int64_t left = x * spec.stride.x - spec.padding.x;
    Window window{std::max<int64_t>(top, 0), std::max<int64_t>(left, 0), 0, 0};
    window.rows = std::min(top + spec.kernel.y, input.height) - window.y;
    window.columns = std::min(left + spec.kernel.x, input.width) - window.x;
    return window;
  }

  // Neighbours whose windows have all their columns go to the kernel together.
  void pool_pixels(const Tile& tile, const PoolArgs& source, Kernel kernel) {
    int64_t y = tile.begin / node.width, x = tile.begin % node.width;
    for (int64_t done = 0; done < tile.count;) {
      const Window window = pool_window(y, x);
      PoolArgs args = source;
      args.first += window.y * args.row_step + window.x * args.column_step;
      args.rows = window.rows;
      args.columns = window.columns;
      args.windows = 1;
      if (window.columns == spec.kernel.x) {
        const int64_t whole = (input.width - spec.kernel.x - window.x) / spec.stride.x + 1;
        args.windows = std::min({whole, node.width - x, tile.count - done});
      }
      args.window_step = spec.stride.x * args.column_step;
      args.divisor = static_cast<float>(window.rows * window.columns);
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

  // A kernel's arguments for a tensor of reals, before its windows are known.
  PoolArgs reals() const {
    PoolArgs args{};
    args.first = reinterpret_cast<const float*>(frame.tensor(spec.input));
    args.row_step = input.width * input.channels;
    args.column_step = input.channels;
    args.channels = input.channels;
    return args;
  }

  // Row sums are added up as an average pool adds its taps: from +0.0, in order.
  void mean_of_all() const {
    const int64_t step = row_sums_step(input.channels);
    PoolArgs args{};
    args.first = frame.input_row_sums;
    if (args.first == nullptr) {
      RowSumsArgs sums{};
      sums.first = reinterpret_cast<const float*>(frame.tensor(spec.input) + input.at(0, 0));
      sums.rows = input.height;
      sums.columns = input.width;
      sums.row_step = input.width * input.channels;
      sums.column_step = input.channels;
      sums.channels = input.channels;
      sums.sums = scratch.row_sums.data();
      sums.sums_step = step;
      kernels.row_sums(sums);
      args.first = sums.sums;
    }
    args.rows = input.height;
    args.columns = 1;
    args.windows = 1;
    args.row_step = step;
    args.column_step = step;
    args.channels = input.channels;
    args.divisor = static_cast<float>(input.pixels());
    args.result = reinterpret_cast<float*>(scratch.tile.data());
    kernels.avg_pool(args);
  }

  // A word whose lowest `count` bits are set, or all of them.
  static uint64_t first_bits(int64_t count) {
    return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << std::max<int64_t>(count, 0)) - 1;
  }

  // The maximum of signs is negative only where all are: the AND of the bits, word by word. A
  // pixel's last word may reach into its neighbour, or the slack at the end; that is cut off later.
  void pool_signs(int64_t pixel) {
    const int64_t y = pixel / node.width, x = pixel % node.width;
    const Window window = pool_window(y, x);
    const auto bytes = static_cast<size_t>(input.pixel_bytes);
    uint8_t* const pooled = scratch.pooled_signs.data();
    const uint8_t* const first = frame.tensor(spec.input) + input.at(window.y, window.x);
    for (size_t word = 0; word < bytes; word += sizeof(uint64_t)) {
      uint64_t all = ~uint64_t{0};
      for (int64_t row = 0; row < window.rows; ++row) {
        const uint8_t* tap = first + row * input.row_bytes + word;
        for (int64_t column = 0; column < window.columns; ++column, tap += input.pixel_bytes) {
          uint64_t signs;
          std::memcpy(&signs, tap, sizeof signs);
          all &= signs;
        }
      }
      std::memcpy(pooled + word, &all, sizeof all);
    }
    for (size_t s = 0; s < spec.signs.size(); ++s) {
      const TensorLayout& output = layout(spec.signs[s].tensor);
      uint8_t* const target = frame.tensor(spec.signs[s].tensor) + output.at(y, x);
      const uint64_t* const flip = node.signs[s].flip.data();
      const auto target_bytes = static_cast<size_t>(output.pixel_bytes);
      if (input.bits.contiguous() && output.bits.contiguous()) {
        for (size_t byte = 0; byte < target_bytes; byte += sizeof(uint64_t)) {
          uint64_t word;
          std::memcpy(&word, pooled + byte, sizeof word);
          word =
              (word ^ flip[byte / 8]) & first_bits(node.channels - static_cast<int64_t>(8 * byte));
          std::memcpy(target + byte, &word, std::min(sizeof word, target_bytes - byte));
        }
        continue;
      }
      std::memset(target, 0, target_bytes);
      for (int64_t c = 0; c < node.channels; ++c) {
        const bool flipped = (flip[c / 64] >> (c % 64) & 1) != 0;
        output.bits.put(target, c, input.bits.get(pooled, c) != flipped);
      }
    }
  }
};

}  // namespace

void pool_reals(const NodeContext& context, const Tile& tile) {
  PoolBody body(context);
  if (body.spec.op == Op::kGlobalMean) {
    body.mean_of_all();
  } else {
    const bool average = body.spec.op == Op::kAvgPool;
    body.pool_pixels(tile, body.reals(), average ? body.kernels.avg_pool : body.kernels.max_pool);
  }
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

void pool_signs(const NodeContext& context, const Tile& tile) {
  PoolBody body(context);
  for (int64_t i = 0; i < tile.count; ++i) body.pool_signs(tile.begin + i);
}

void mean_magnitudes(const NodeContext& context, const Tile& tile) {
  const int64_t channels = context.input.channels;
  MeanAbsArgs args{};
  args.first = real_pixels(context, context.spec.input) + tile.begin * channels;
  args.pixels = tile.count;
  args.channels = channels;
  args.divisor = static_cast<float>(channels);
  args.result = reinterpret_cast<float*>(context.scratch.tile.data());
  args.result_step = context.node.tile_step;
  context.kernels.mean_abs(args);
}

void copy_pixels(const NodeContext& context, const Tile& tile) {
  const Frame& frame = context.frame;
  const int64_t channels = context.input.channels;
  float* values = reinterpret_cast<float*>(context.scratch.tile.data());
  for (int64_t i = 0; i < tile.count; ++i, values += context.node.tile_step) {
    const int64_t first = (tile.begin + i) * channels;
    if (context.input.kind == Kind::kReal) {
      convert(real_pixels(context, context.spec.input) + first, channels, values);
    } else if (frame.image_is_float) {
      convert(static_cast<const float*>(frame.image) + first, channels, values);
    } else {
      convert(static_cast<const uint8_t*>(frame.image) + first, channels, values);
    }
    if (context.spec.map == kNone) continue;
    const float factor = real_pixels(context, context.spec.map)[tile.begin + i];
    for (int64_t c = 0; c < channels; ++c) values[c] *= factor;
  }
}

}  // namespace sbnn
