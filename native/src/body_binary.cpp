// The body of binary_conv: where each window begins, which border it meets, its dots, their pool.

#include <cstring>

#include "node_context.h"

namespace sbnn {
namespace {

struct BinaryBody : NodeContext {
  explicit BinaryBody(const NodeContext& context) : NodeContext(context) {}

  void place_windows(const Tile& tile) {
    const auto [begin, count] = tile;
    if (node.window_area == 1) {
      const Pair& pool = spec.pool.stride;
      fill_addresses(frame.tensor(spec.input), input,
                     {spec.stride.y * pool.y, spec.stride.x * pool.x}, spec.padding, tile,
                     scratch.windows.data());
      const int32_t** base = scratch.base.data();
      int64_t y = begin / node.width, x = begin % node.width, left = count;
      for (; left > 0; ++y, x = 0) {
        const int32_t* const row =
            node.binary.base.data() + node.binary.row_base[static_cast<size_t>(y * pool.y)];
        const int64_t* column = node.binary.column_base.data() + x * pool.x;
        const int64_t end = std::min(node.width, x + left);
        left -= end - x;
        for (; x < end; ++x, column += pool.x) *base++ = row + *column;
      }
      complete_triples(scratch.windows[0], scratch.windows[static_cast<size_t>(count - 1)]);
    } else if (node.window_area <= kTileWindows) {
      for (int64_t i = 0; i < count; ++i) {
        const int64_t y = (begin + i) / node.width, x = (begin + i) % node.width;
        set_pool_windows(y, x, 0, node.window_area, i * node.window_area);
      }
      complete_triples(scratch.windows[0],
                       scratch.windows[static_cast<size_t>(count * node.window_area - 1)]);
    }
  }

  // The row of `base` for the border pattern of the convolution's output (y, x).
  const int32_t* base_row(int64_t y, int64_t x) const {
    const BinaryConvPlan& binary = node.binary;
    return binary.base.data() + binary.row_base[static_cast<size_t>(y)] +
           binary.column_base[static_cast<size_t>(x)];
  }

  void set_window(int64_t y, int64_t x, int64_t slot) {
    scratch.windows[static_cast<size_t>(slot)] =
        frame.tensor(spec.input) +
        input.at(y * spec.stride.y - spec.padding.y, x * spec.stride.x - spec.padding.x);
    scratch.base[static_cast<size_t>(slot)] = base_row(y, x);
  }

  // Windows [from, from + count) of those that are pooled into output (y, x).
  void set_pool_windows(int64_t y, int64_t x, int64_t from, int64_t count, int64_t slot) {
    for (int64_t i = from; i < from + count; ++i) {
      set_window(y * spec.pool.stride.y + i / spec.pool.kernel.x,
                 x * spec.pool.stride.x + i % spec.pool.kernel.x, slot++);
    }
  }

  void dot_chunk(const Chunk& chunk, int64_t first_window, int64_t windows, int32_t* dots) {
    const BinaryConvPlan& binary = node.binary;
    BinaryDotArgs args{};
    args.pixels = static_cast<int>(windows);
    args.triples = binary.triples;
    args.singles = binary.singles;
    args.offsets = binary.offsets.data();
    args.second = binary.second;
    args.base = scratch.base.data() + first_window;
    args.dots_step = node.tile_step;
    int64_t group = kNone;
    for (size_t i = 0; i < chunk.blocks; ++i) {
      const Block& block = node.blocks[chunk.first_block + i];
      if (block.group != group) {
        group = block.group;
        const uint8_t* const* from = scratch.windows.data() + first_window;
        if (binary.gathered_bytes > 0) {
          args.windows = gather_windows(from, windows, group);
          args.sum = distance(scratch.gathered.data(), scratch.sums.data());
        } else {
          args.windows = group == 0 ? from : shift_windows(from, windows, group);
          args.sum = distance(frame.tensor(spec.input), scratch.sums.data());
        }
      }
      args.filters = static_cast<int>(block.filters);
      args.weights = binary.weights.data() + block.weights;
      args.first_filter = block.channel;
      args.dots = dots + (block.channel - chunk.channel);
      kernels.binary_dot(args);
    }
  }

  // In bytes, between two arrays.
  static int64_t distance(const uint8_t* from, const uint8_t* to) {
    return static_cast<int64_t>(reinterpret_cast<uintptr_t>(to) -
                                reinterpret_cast<uintptr_t>(from));
  }

  // The windows of a group other than the first.
  const uint8_t* const* shift_windows(const uint8_t* const* from, int64_t windows, int64_t group) {
    const uint8_t** const shifted = scratch.group_windows.data();
    for (int64_t i = 0; i < windows; ++i) shifted[i] = from[i] + group * input.bits.group_bytes;
    return shifted;
  }

  // Copies the runs of each window side by side. Chunks of 8 bytes run over the end of a run into
  // what is copied next, and at the end of a window into the bytes that are then set to 0.
  const uint8_t* const* gather_windows(const uint8_t* const* from, int64_t windows, int64_t group) {
    const BinaryConvPlan& binary = node.binary;
    // Copies of what is in memory that bytes are written to, for all the compiler knows.
    const int64_t* const runs = binary.runs.data();
    const size_t run_count = binary.runs.size();
    const int64_t run_bytes = binary.run_bytes, window_bytes = binary.gathered_bytes;
    const int64_t shift = group * input.bits.group_bytes;
    const uint8_t** const gathered = scratch.group_windows.data();
    uint8_t* window = scratch.gathered.data();
    for (int64_t i = 0; i < windows; ++i, window += window_bytes) {
      const uint8_t* const bits = from[i] + shift;
      uint8_t* to = window;
      for (size_t run = 0; run < run_count; ++run, to += run_bytes) {
        std::memcpy(to, bits + runs[run], 8);
        for (int64_t done = 8; done < run_bytes; done += 8) {
          std::memcpy(to + done, bits + runs[run] + done, 8);
        }
      }
      std::memset(to, 0, 4);
      gathered[i] = window;
    }
    if (binary.triples > 0) {
      kernels.xor_triples(scratch.gathered.data(), binary.second, windows * binary.gathered_bytes,
                          scratch.sums.data());
    }
    return gathered;
  }

  // Completes the triples of windows that are read in place, from the first window of a tile to
  // the last. Tiles of a node follow each other, so what is done already is not done again.
  void complete_triples(const uint8_t* first, const uint8_t* last) {
    const BinaryConvPlan& binary = node.binary;
    if (binary.gathered_bytes > 0 || binary.triples == 0) return;
    const uint8_t* const tensor = frame.tensor(spec.input);
    const int64_t begin = std::max(scratch.sums_done, first - tensor);
    const int64_t end =
        last - tensor + binary.sums_end + (spec.groups - 1) * input.bits.group_bytes;
    if (begin >= end) return;
    kernels.xor_triples(tensor + begin, binary.second, end - begin, scratch.sums.data() + begin);
    scratch.sums_done = end;
  }

  void compute_dots(const Chunk& chunk, const Tile& pixels) {
    const auto [begin, count] = pixels;
    int32_t* const tile = scratch.tile.data();
    const int64_t area = node.window_area;
    if (area == 1) {
      dot_chunk(chunk, 0, count, tile);
      return;
    }
    MaxDotsArgs args{};
    args.step = node.tile_step;
    args.channels = chunk.channels;
    if (area <= kTileWindows) {
      dot_chunk(chunk, 0, count * area, scratch.dots.data());
      args.count = static_cast<int>(area);
      for (int64_t i = 0; i < count; ++i) {
        args.rows = scratch.dots.data() + i * area * node.tile_step;
        args.result = tile + i * node.tile_step;
        kernels.max_dots(args);
      }
      return;
    }
    // A pool too large for a tile: one pixel, piece by piece.
    for (int64_t from = 0; from < area; from += kTileWindows) {
      const int64_t windows = std::min(kTileWindows, area - from);
      set_pool_windows(begin / node.width, begin % node.width, from, windows, 0);
      complete_triples(scratch.windows[0], scratch.windows[static_cast<size_t>(windows - 1)]);
      dot_chunk(chunk, 0, windows, scratch.dots.data());
      args.count = static_cast<int>(windows);
      args.rows = scratch.dots.data();
      args.fold = from > 0;
      args.result = tile;
      kernels.max_dots(args);
    }
  }

  // Every dot before pooling.
  void compute_all(int32_t* dots) {
    const int64_t windows = node.binary.height * node.binary.width;
    scratch.sums_done = 0;
    for (int64_t begin = 0; begin < windows; begin += kTileWindows) {
      const int64_t count = std::min(kTileWindows, windows - begin);
      for (int64_t i = 0; i < count; ++i) {
        set_window((begin + i) / node.binary.width, (begin + i) % node.binary.width, i);
      }
      complete_triples(scratch.windows[0], scratch.windows[static_cast<size_t>(count - 1)]);
      for (const Chunk& chunk : node.chunks) {
        // A gathered row may be too wide for a whole tile of windows.
        const int64_t step =
            std::min(count, static_cast<int64_t>(scratch.tile.size()) / node.tile_step);
        for (int64_t done = 0; done < count; done += step) {
          const int64_t rows = std::min(step, count - done);
          dot_chunk(chunk, done, rows, scratch.tile.data());
          for (int64_t row = 0; row < rows; ++row) {
            std::memcpy(dots + (begin + done + row) * node.channels + chunk.channel,
                        scratch.tile.data() + row * node.tile_step,
                        static_cast<size_t>(chunk.channels) * sizeof(int32_t));
          }
        }
      }
    }
  }
};

}  // namespace

void place_windows(const NodeContext& context, const Tile& tile) {
  BinaryBody(context).place_windows(tile);
}

void compute_dots(const NodeContext& context, const Chunk& chunk, const Tile& tile) {
  BinaryBody(context).compute_dots(chunk, tile);
}

void all_dots(const NodeContext& context, int32_t* dots) { BinaryBody(context).compute_all(dots); }

}  // namespace sbnn
