// The body of real_conv: rows of the input made ready, where each unit's window begins in them,
// then the sums.

#include <cstring>

#include "run/node_context.h"

namespace sbnn {
namespace {

struct RealBody : NodeContext {
  explicit RealBody(const NodeContext& context) : NodeContext(context) {}

  bool in_place() const {
    return real.in_place && (input.kind != Kind::kImage || image().is_float);
  }

  RowSource source() const {
    if (input.kind == Kind::kImage) return {image().data, image().is_float, nullptr, 0};
    const uint8_t* const first = frame.tensor(spec.input) + input.at(0, 0);
    if (input.kind == Kind::kBits) return {first, false, &input.bits, input.row_bytes};
    return {first, true, nullptr, 0};
  }

  // Where the windows of the units [begin, end) lie. Units are numbered row by row.
  void place_windows(int64_t begin, int64_t end) {
    const int64_t first_row = begin / row_units, last_row = (end - 1) / row_units;
    const auto* base = static_cast<const uint8_t*>(source().data);
    int64_t base_row = 0;
    int64_t row_bytes = input.width * input.channels * static_cast<int64_t>(sizeof(float));
    int64_t pixel_bytes = input.channels * static_cast<int64_t>(sizeof(float));
    if (!in_place()) {
      const int64_t top = first_row * spec.stride.y - spec.padding.top;
      const int64_t rows = (last_row - first_row) * spec.stride.y + rows_spanned(spec);
      scratch.panel.prepare(real.panel, source(), top, top + rows);
      row_bytes = real.panel.row_bytes;
      pixel_bytes = input.channels * real.value_bytes;
      base = scratch.panel.row(real.panel, top);
      base_row = first_row;
    }
    // A unit's window begins one place after its neighbour's, in every track.
    const uint8_t** window = scratch.conv_windows.data();
    for (int64_t y = first_row; y <= last_row; ++y) {
      const uint8_t* const row = base + (y - base_row) * spec.stride.y * row_bytes;
      const int64_t last = std::min(row_units, end - y * row_units);
      for (int64_t unit = std::max<int64_t>(begin - y * row_units, 0); unit < last; ++unit) {
        *window++ = row + unit * spec.stride.x * pixel_bytes;
      }
    }
    scratch.conv_units = end - begin;
  }

  void place_tile(const Tile& tile) {
    const int64_t first_row = tile.begin / node.width;
    const int64_t last = tile.begin + tile.count - 1, last_row = last / node.width;
    const auto unit_of = [&](int64_t pixel, int64_t y) {
      return y * row_units + (pixel - y * node.width) / outputs;
    };
    const int64_t begin = unit_of(tile.begin, first_row);
    place_windows(begin, unit_of(last, last_row) + 1);
    for (int64_t y = first_row; y <= last_row; ++y) {
      const int64_t x = std::max<int64_t>(tile.begin - y * node.width, 0);
      scratch.runs[static_cast<size_t>(y - first_row)].values =
          scratch.tile.data() + ((y * row_units - begin) * outputs + x) * node.tile_step;
    }
  }

  // `sums` are those of the placed windows' outputs from the block's first channel on, `step`
  // values from an output to the next.
  void sum_block(const Block& block, int32_t* sums, int64_t step) {
    RealConvArgs args{};
    args.windows = static_cast<int>(scratch.conv_units);
    args.filters = static_cast<int>(block.filters);
    args.segments = static_cast<int>(real.offsets.size());
    args.offsets = in_place() ? real.offsets_in_place.data() : real.offsets.data();
    args.levels = real.levels();
    args.tracks = real.tracks.data();
    args.steps = real.steps;
    args.weights = real.weights.data() + block.weights;
    args.window = scratch.conv_windows.data();
    args.window_shift = block.group * (input.channels / spec.groups) *
                        (in_place() ? static_cast<int64_t>(sizeof(float)) : real.value_bytes);
    args.sums = sums;
    args.sums_step = step;
    if (node.integer) {
      kernels.pixel_conv(args);
    } else {
      kernels.real_conv(args);
    }
  }

  void compute_sums(const Chunk& chunk) {
    for (size_t i = 0; i < chunk.blocks; ++i) {
      const Block& block = node.blocks[chunk.first_block + i];
      sum_block(block, scratch.tile.data() + (block.channel - chunk.channel), node.tile_step);
    }
  }

  void sum_rows(int64_t begin_row, int64_t end_row, int32_t* sums, int64_t step) {
    const int64_t most = std::max<int64_t>(node.tile_pixels / outputs, 1);
    const int64_t first = begin_row * row_units, end = end_row * row_units;
    for (int64_t unit = first; unit < end; unit += most) {
      place_windows(unit, std::min(unit + most, end));
      int32_t* const tile = sums + (unit - first) * outputs * step;
      for (const Block& block : node.blocks) sum_block(block, tile + block.channel, step);
    }
  }

  // Every sum as v0.
  void compute_all(int32_t* sums) {
    scratch.panel.clear();
    for (int64_t begin = 0; begin < node.pixels();) {
      // One run.
      const Tile tile{begin, std::min(node.tile_pixels, node.width - begin % node.width)};
      place_tile(tile);
      for (const Chunk& chunk : node.chunks) {
        compute_sums(chunk);
        for (int64_t i = 0; i < tile.count; ++i) {
          std::memcpy(sums + (begin + i) * node.channels + chunk.channel,
                      scratch.runs[0].values + i * node.tile_step,
                      static_cast<size_t>(chunk.channels) * sizeof(int32_t));
        }
      }
      begin += tile.count;
    }
  }

  const RealConvPlan& real = node.real;
  const int64_t outputs = int64_t{1} << real.levels();  // of a unit
  const int64_t row_units = real.panel.units;
};

}  // namespace

void place_units(const NodeContext& context, const Tile& tile) {
  RealBody(context).place_tile(tile);
}

void compute_sums(const NodeContext& context, const Chunk& chunk) {
  RealBody(context).compute_sums(chunk);
}

void sum_rows(const NodeContext& context, int64_t begin, int64_t end, int32_t* sums, int64_t step) {
  RealBody(context).sum_rows(begin, end, sums, step);
}

void all_sums(const NodeContext& context, int32_t* sums) { RealBody(context).compute_all(sums); }

}  // namespace sbnn
