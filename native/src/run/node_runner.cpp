#include "run/node_runner.h"

#include <algorithm>

#include "run/ops/body.h"
#include "run/ops/moved_signs.h"
#include "run/ops/pools.h"
#include "run/steps/finish_steps.h"

namespace sbnn {
namespace {

// Rows are summed side by side while they are in L1.
constexpr int64_t kSummedRows = 8;

// An interrupt is told of this much work at a time, or of a whole node.
constexpr double kSaidNanoseconds = 20e3;

}  // namespace

void NodeRunner::run(const Range& pixels, const Range& chunks) {
  if (spec.op == Op::kMaxPool && input.kind == Kind::kBits && !node.by_steps()) {
    if (scratch.is_left(node.cost)) return;
    pool_signs(*this, {pixels.begin, pixels.end - pixels.begin});
    return;
  }
  if (moves_signs(*this)) {
    if (scratch.is_left(node.cost)) return;
    move_signs(*this, {pixels.begin, pixels.end - pixels.begin});
    return;
  }
  // At every call, as runners that take turns share the memory.
  if (node.by_steps()) set_steps(*this, &chain);
  int64_t summed = pixels.begin / node.width;
  const bool is_long = node.cost > kSaidNanoseconds;
  double unsaid = is_long ? 0 : node.cost;  // ns of work, of which an interrupt was not told yet
  for (int64_t begin = pixels.begin; begin < pixels.end; begin += node.tile_pixels) {
    const Tile tile{begin, std::min(node.tile_pixels, pixels.end - begin)};
    if (node.finishes_dots) {
      place_finish(tile);
    } else {
      place_outputs(tile);
    }
    if (node.by_steps()) place_steps(*this, tile, runs, &chain);
    prepare_body(tile);
    const double cost = node.pixel_cost * static_cast<double>(tile.count);
    for (int64_t i = chunks.begin; i < chunks.end; ++i) {
      if (is_long && (unsaid += cost) > kSaidNanoseconds) {
        if (scratch.is_left(unsaid)) return;
        unsaid = 0;
      }
      const Chunk& chunk = node.chunks[static_cast<size_t>(i)];
      if (node.finishes_dots) {
        finish_dots(*this, chunk, tile, finish);
        continue;
      }
      if (spec.op == Op::kBinaryConv) compute_dots(*this, chunk, tile);
      if (spec.op == Op::kRealConv) compute_sums(*this, chunk);
      if (node.by_steps()) {
        finish_steps(*this, chunk, &chain);
      } else {
        finish_values(chunk);
      }
    }
    if (row_sums == nullptr) continue;
    const int64_t end = tile.begin + tile.count, whole = end / node.width;
    if (whole - summed >= kSummedRows || end == pixels.end) {
      sum_rows({summed, whole}, chunks);
      summed = whole;
    }
  }
  scratch.is_left(unsaid);
}

void NodeRunner::sum_rows(const Range& rows, const Range& chunks) const {
  const Chunk& first = node.chunks[static_cast<size_t>(chunks.begin)];
  const Chunk& last = node.chunks[static_cast<size_t>(chunks.end - 1)];
  const int64_t step = row_sums_step(node.channels);
  RowSumsArgs sums{};
  sums.first = address<const float>(summed_tensor, rows.begin, 0) + first.channel;
  sums.rows = rows.end - rows.begin;
  sums.columns = node.width;
  sums.row_step = node.width * node.channels;
  sums.column_step = node.channels;
  sums.channels = last.channel + last.channels - first.channel;
  sums.sums = row_sums + rows.begin * step + first.channel;
  sums.sums_step = step;
  kernels.row_sums(sums);
}

void NodeRunner::place_outputs(const Tile& tile) {
  runs = 0;
  const int64_t y = tile.begin / node.width;
  int64_t x = tile.begin % node.width;
  const Pair one{1, 1};
  RowAddress input_row,
      shortcut_row = row_address(spec.shortcut.tensor, spec.shortcut.stride, y, x);
  if (node.values_in_place) input_row = row_address(spec.input, one, y, x);
  RowAddress real_row = row_address(spec.real, one, y, x);
  for (int64_t done = 0; done < tile.count; ++runs, x = 0) {
    EpilogueRun& run = scratch.runs[static_cast<size_t>(runs)];
    run.pixels = std::min(tile.count - done, node.width - x);
    run.values = node.values_in_place ? reinterpret_cast<const int32_t*>(input_row.next(x))
                                      : scratch.tile.data() + done * node.tile_step;
    run.shortcut = reinterpret_cast<const float*>(shortcut_row.next(x));
    run.real = reinterpret_cast<float*>(real_row.next(x));
    done += run.pixels;
  }
  for (size_t s = 0; s < spec.signs.size(); ++s) {
    x = tile.begin % node.width;
    RowAddress row = row_address(spec.signs[s].tensor, one, y, x);
    uint8_t** const starts = scratch.sign_runs.data() + s * scratch.runs.size();
    for (int i = 0; i < runs; ++i, x = 0) starts[i] = row.next(x);
  }
}

void NodeRunner::place_finish(const Tile& tile) {
  const int64_t y = tile.begin / node.width, x = tile.begin % node.width;
  finish.shortcut = address<const float>(spec.shortcut.tensor, y, x);
  finish.real = address<float>(spec.real, y, x);
  if (spec.signs.empty()) return;
  const int signs = spec.signs[0].tensor;
  fill_addresses(frame.tensor(signs), layout(signs), {1, 1}, {0, 0}, tile,
                 scratch.sign_pixels.data());
}

void NodeRunner::prepare_body(const Tile& tile) {
  if (spec.op == Op::kBinaryConv) {
    place_windows(*this, tile);
  } else if (spec.op == Op::kRealConv) {
    place_units(*this, tile);
  } else if (!node.values_in_place) {
    body_of(spec.op)(*this, tile);
  }
}

void NodeRunner::set_constants() {
  if (node.finishes_dots) {
    set_finish();
    return;
  }
  args.runs = scratch.runs.data();
  args.value_step = node.tile_step;
  args.integer = node.integer;
  args.wants_real = node.wants_real;
  args.scale = node.scale.data();
  args.shift = node.shift.data();
  if (spec.shortcut.tensor != kNone) {
    args.shortcut_channels = layout(spec.shortcut.tensor).channels;
    args.shortcut_step = spec.shortcut.stride.x * args.shortcut_channels;
    args.shortcut_offset = spec.shortcut.offset;
    args.shortcut_repeats = spec.shortcut.repeat;
  }
  args.activation = spec.activation;
  args.slope = node.slope.data();
  args.positive_slope = node.positive_slope.data();
  args.offset = node.offset.data();
  args.real_step = node.channels;
  args.sign_count = static_cast<int>(spec.signs.size());
  args.signs = scratch.signs.data();
  for (size_t s = 0; s < spec.signs.size(); ++s) {
    const SignPlan& sign = node.signs[s];
    const TensorLayout& output = layout(spec.signs[s].tensor);
    SignArgs& target = scratch.signs[s];
    target.threshold = sign.threshold.data();
    target.integer_threshold = sign.integer_threshold.data();
    target.flip = sign.flip.data();
    target.pixels = scratch.sign_runs.data() + s * scratch.runs.size();
    target.pixel_bytes = output.pixel_bytes;
    target.group_channels = output.bits.group_channels;
    target.group_bytes = output.bits.contiguous() ? 0 : output.bits.group_bytes;
  }
}

void NodeRunner::set_finish() {
  finish.scale = node.scale.data();
  finish.shift = node.shift.data();
  finish.activation = node.finish;
  finish.slope = node.slope.data();
  finish.positive_slope = node.positive_slope.data();
  finish.offset = node.offset.data();
  if (spec.shortcut.tensor != kNone) {
    finish.shortcut_channels = layout(spec.shortcut.tensor).channels;
  }
  finish.step = node.channels;
  if (spec.signs.empty()) return;
  finish.threshold = node.signs[0].threshold.data();
  finish.integer_threshold = node.signs[0].integer_threshold.data();
  finish.flip = node.signs[0].flip.data();
  finish.signs = scratch.sign_pixels.data();
}

void NodeRunner::finish_values(const Chunk& chunk) {
  args.run_count = runs;
  args.channel_begin = chunk.channel;
  args.channel_count = chunk.channels;
  kernels.epilogue(args);
}

}  // namespace sbnn
