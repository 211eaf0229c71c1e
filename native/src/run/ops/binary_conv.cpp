// The body of binary_conv: where each window begins, which border it meets, its dots, their pool.

#include <cstring>

#include "plan/words.h"
#include "run/node_context.h"

namespace sbnn {
namespace {

struct BinaryBody : NodeContext {
  explicit BinaryBody(const NodeContext& context) : NodeContext(context) {}

  void place_windows(const Tile& tile) {
    if (node.window_area > kTileWindows) return;  // placed piece by piece
    start_windows();
    if (node.window_area == 1) {
      place_rows(tile);
      finish_windows(tile.count);
      return;
    }
    for (int64_t i = 0; i < tile.count; ++i) {
      const int64_t y = (tile.begin + i) / node.width, x = (tile.begin + i) % node.width;
      set_pool_windows(y, x, 0, node.window_area, i * node.window_area);
    }
    finish_windows(tile.count * node.window_area);
  }

  // Windows of which each is an output's only one.
  void place_rows(const Tile& tile) {
    const Pair& pool = spec.pool.stride;
    const Pair stride{spec.stride.y * pool.y, spec.stride.x * pool.x};
    const Pair corner{spec.padding.top, spec.padding.left};
    if (!gathers()) {
      fill_addresses(frame.tensor(spec.input), input, stride, corner, tile, scratch.windows.data());
    }
    const int32_t** base = scratch.base.data();
    int64_t y = tile.begin / node.width, x = tile.begin % node.width, left = tile.count;
    for (; left > 0; ++y, x = 0) {
      const int32_t* const row =
          node.binary.base.data() + node.binary.row_base[static_cast<size_t>(y * pool.y)];
      const int64_t end = std::min(node.width, x + left);
      if (gathers()) {
        const uint8_t* const first =
            frame.tensor(spec.input) +
            input.at(y * stride.y - spec.padding.top, x * stride.x - spec.padding.left);
        scratch.window_runs.push_back({first, stride.x * input.pixel_bytes, end - x});
      }
      left -= end - x;
      while (x < end) {  // in pieces that meet the same columns of the border
        const int64_t count = std::min(end, node.binary.same_until[static_cast<size_t>(x)]) - x;
        const int64_t column = node.binary.column_base[static_cast<size_t>(x * pool.x)];
        base = std::fill_n(base, count, row + column);
        x += count;
      }
    }
  }

  bool gathers() const { return !node.binary.gather.pieces.empty(); }

  // Before the first of some windows is set, and after the last of `count`.
  void start_windows() { scratch.window_runs.clear(); }
  void finish_windows(int64_t count) {
    scratch.gathered_group = kNone;
    if (!gathers()) {
      complete_triples(scratch.windows[0], scratch.windows[static_cast<size_t>(count - 1)]);
    }
  }

  // The row of `base` for the border pattern of the convolution's output (y, x).
  const int32_t* base_row(int64_t y, int64_t x) const {
    const BinaryConvPlan& binary = node.binary;
    return binary.base.data() + binary.row_base[static_cast<size_t>(y)] +
           binary.column_base[static_cast<size_t>(x)];
  }

  void set_window(int64_t y, int64_t x, int64_t slot) {
    const uint8_t* const window =
        frame.tensor(spec.input) +
        input.at(y * spec.stride.y - spec.padding.top, x * spec.stride.x - spec.padding.left);
    scratch.base[static_cast<size_t>(slot)] = base_row(y, x);
    if (!gathers()) {
      scratch.windows[static_cast<size_t>(slot)] = window;
      return;
    }
    const int64_t step = spec.stride.x * input.pixel_bytes;
    std::vector<WindowRun>& runs = scratch.window_runs;
    if (!runs.empty() && window == runs.back().first + runs.back().count * step) {
      ++runs.back().count;
    } else {
      runs.push_back({window, step, 1});
    }
  }

  // Windows [from, from + count) of those that are pooled into output (y, x).
  void set_pool_windows(int64_t y, int64_t x, int64_t from, int64_t count, int64_t slot) {
    for (int64_t i = from; i < from + count; ++i) {
      set_window(y * spec.pool.stride.y + i / spec.pool.kernel.x,
                 x * spec.pool.stride.x + i % spec.pool.kernel.x, slot++);
    }
  }

  // Calls run(block, args) for the chunk's blocks, whose dots are still without a place.
  template <typename Run>
  void for_blocks(const Chunk& chunk, int64_t first_window, int64_t windows, Run run) {
    const BinaryConvPlan& binary = node.binary;
    BinaryDotArgs args{};
    args.pixels = static_cast<int>(windows);
    args.triples = binary.triples;
    args.singles = binary.singles;
    args.offsets = binary.offsets.data();
    args.second = binary.second;
    args.base = scratch.base.data() + first_window;
    int64_t group = kNone;
    for (size_t i = 0; i < chunk.blocks; ++i) {
      const Block& block = node.blocks[chunk.first_block + i];
      if (block.group != group) {
        group = block.group;
        const uint8_t* const* from = scratch.windows.data() + first_window;
        if (gathers()) {
          gather_windows(group);
          args.windows = scratch.gathered_windows.data() + first_window;
          args.triple_xor = triple_place(scratch.gathered_windows[0]);
        } else {
          args.windows = group == 0 ? from : shift_windows(from, windows, group);
          args.triple_xor = triple_place(frame.tensor(spec.input));
        }
      }
      args.filters = static_cast<int>(block.filters);
      args.weights = binary.weights.data() + block.weights;
      args.first_filter = block.channel;
      run(block, args);
    }
  }

  void dot_chunk(const Chunk& chunk, int64_t first_window, int64_t windows, int32_t* dots) {
    for_blocks(chunk, first_window, windows, [&](const Block& block, BinaryDotArgs& args) {
      args.dots = dots + (block.channel - chunk.channel);
      args.dots_step = node.tile_step;
      kernels.binary_dot(args);
    });
  }

  void finish_dots(const Chunk& chunk, const Tile& tile, const FinishDotsArgs& finish) {
    for_blocks(chunk, 0, tile.count,
               [&](const Block&, const BinaryDotArgs& args) { kernels.finish_dots(args, finish); });
  }

  // BinaryDotArgs::triple_xor of signs that begin there.
  int64_t triple_place(const uint8_t* signs) const {
    const auto from = reinterpret_cast<uintptr_t>(signs);
    const auto to = reinterpret_cast<uintptr_t>(scratch.triple_xors.data());
    return static_cast<int64_t>(to - (kernels.side_by_side ? 3 * from : from));
  }

  // The windows of a group other than the first.
  const uint8_t* const* shift_windows(const uint8_t* const* from, int64_t windows, int64_t group) {
    const uint8_t** const shifted = scratch.group_windows.data();
    for (int64_t i = 0; i < windows; ++i) shifted[i] = from[i] + group * input.bits.group_bytes;
    return shifted;
  }

  // Puts together the words of all windows that are placed, unless that is done.
  void gather_windows(int64_t group) {
    if (scratch.gathered_group == group) return;
    scratch.gathered_group = group;
    const BinaryConvPlan& binary = node.binary;
    uint32_t* words = scratch.gathered.data();
    for (WindowRun run : scratch.window_runs) {
      run.first += group * input.bits.group_bytes;
      gather_words(binary.gather, run, words);
      words += run.count;
    }
    if (binary.triples > 0) {
      kernels.xor_triples(scratch.gathered_windows[0], binary.second, binary.triple_xors_end,
                          scratch.triple_xors.data());
    }
  }

  // Completes the triples of windows that are read in place, from the first window of a tile to
  // the last. Tiles of a node follow each other, so what is done already is not done again.
  void complete_triples(const uint8_t* first, const uint8_t* last) {
    const BinaryConvPlan& binary = node.binary;
    if (binary.triples == 0) return;
    const uint8_t* const tensor = frame.tensor(spec.input);
    const int64_t begin = std::max<int64_t>(scratch.triple_xors_done, first - tensor);
    const int64_t end =
        last - tensor + binary.triple_xors_end + (spec.groups - 1) * input.bits.group_bytes;
    if (begin >= end) return;
    kernels.xor_triples(tensor + begin, binary.second, end - begin,
                        scratch.triple_xors.data() + triple_bytes(begin, kernels));
    scratch.triple_xors_done = end;
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
      start_windows();
      set_pool_windows(begin / node.width, begin % node.width, from, windows, 0);
      finish_windows(windows);
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
    scratch.triple_xors_done = 0;
    for (int64_t begin = 0; begin < windows; begin += kTileWindows) {
      const int64_t count = std::min(kTileWindows, windows - begin);
      start_windows();
      for (int64_t i = 0; i < count; ++i) {
        set_window((begin + i) / node.binary.width, (begin + i) % node.binary.width, i);
      }
      finish_windows(count);
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

void finish_dots(const NodeContext& context, const Chunk& chunk, const Tile& tile,
                 const FinishDotsArgs& finish) {
  BinaryBody(context).finish_dots(chunk, tile, finish);
}

void all_dots(const NodeContext& context, int32_t* dots) { BinaryBody(context).compute_all(dots); }

}  // namespace sbnn
