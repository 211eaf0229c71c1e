#include "executor.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "node_context.h"

namespace sbnn {
namespace {

struct Range {
  int64_t begin, end;
};

// A part should outweigh handing it out.
constexpr double kPartNanoseconds = 2000;

Range part_of(int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

// Tiles of pixels, in each tile chunk by chunk: body, then epilogue while the values are in L1.
struct NodeRunner : NodeContext {
  NodeRunner(const Plan& all, const NodePlan& this_node, const Frame& tensors, Scratch* own)
      : NodeContext(all, this_node, tensors, own) {
    set_constants();
  }

  // Forgets what scratch memory holds of another node or image; then pixels come in order.
  void start() {
    scratch.sums_done = 0;
    scratch.panel.clear();
  }

  void run(const Range& pixels, const Range& chunks) {
    if (spec.op == Op::kMaxPool && input.kind == Kind::kBits) {
      pool_signs(*this, {pixels.begin, pixels.end - pixels.begin});
      return;
    }
    for (int64_t begin = pixels.begin; begin < pixels.end; begin += node.tile_pixels) {
      const Tile tile{begin, std::min(node.tile_pixels, pixels.end - begin)};
      place_outputs(tile);
      prepare_body(tile);
      for (int64_t i = chunks.begin; i < chunks.end; ++i) {
        const Chunk& chunk = node.chunks[static_cast<size_t>(i)];
        if (spec.op == Op::kBinaryConv) compute_dots(*this, chunk, tile);
        if (spec.op == Op::kRealConv) compute_sums(*this, chunk);
        finish_values(chunk);
      }
    }
  }

 private:
  // The tile's pixels row by row, and where each row's begin in what the epilogue reads and writes.
  void place_outputs(const Tile& tile) {
    runs = 0;
    int64_t y = tile.begin / node.width, x = tile.begin % node.width;
    for (int64_t done = 0; done < tile.count; ++runs, ++y, x = 0) {
      EpilogueRun& run = scratch.runs[static_cast<size_t>(runs)];
      run.pixels = std::min(tile.count - done, node.width - x);
      run.values = node.values_in_place ? address<const int32_t>(spec.input, y, x)
                                        : scratch.tile.data() + done * node.tile_step;
      run.shortcut = address<const float>(spec.shortcut.tensor, y * spec.shortcut.stride.y,
                                          x * spec.shortcut.stride.x);
      run.real = address<float>(spec.real, y, x);
      for (size_t s = 0; s < spec.signs.size(); ++s) {
        scratch.sign_runs[s * scratch.runs.size() + static_cast<size_t>(runs)] =
            address<uint8_t>(spec.signs[s].tensor, y, x);
      }
      done += run.pixels;
    }
  }

  template <typename T>
  T* address(int tensor, int64_t y, int64_t x) const {
    if (tensor == kNone) return nullptr;
    return reinterpret_cast<T*>(frame.tensor(tensor) + layout(tensor).at(y, x));
  }

  // What the body needs before its chunks are computed, or all of it where it has no chunks.
  void prepare_body(const Tile& tile) {
    switch (spec.op) {
      case Op::kBinaryConv:
        place_windows(*this, tile);
        break;
      case Op::kRealConv:
        place_units(*this, tile);
        break;
      case Op::kPointwise:
        if (!node.values_in_place) copy_pixels(*this, tile);
        break;
      default:
        pool_reals(*this, tile);
        break;
    }
  }

  // The part of an epilogue's arguments that is the same for all tiles and chunks.
  void set_constants() {
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
    }
    args.activation = spec.activation;
    args.slope = node.slope.data();
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

  void finish_values(const Chunk& chunk) {
    args.run_count = runs;
    args.channel_begin = chunk.channel;
    args.channel_count = chunk.channels;
    kernels.epilogue(args);
  }

  EpilogueArgs args{};
  int runs = 0;  // of the current tile
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Rows of a pool's output, and for each band of them the producer's rows that their windows reach.
// Rows that the band before has made are moved to the front and not made again.
void run_bands(const Plan& plan, const Step& step, const Frame& whole, const Range& rows,
               Scratch* scratch) {
  const NodePlan& producer = plan.nodes[static_cast<size_t>(step.producer)];
  const NodePlan& pool = plan.nodes[static_cast<size_t>(step.node)];
  const Node& window = *pool.node;
  const TensorLayout& between = plan.tensors[static_cast<size_t>(window.input)];
  Frame frame = whole;
  frame.banded = window.input;
  frame.band = scratch->band.data();
  NodeRunner make(plan, producer, frame, scratch);  // has no signs: they are the pool's in scratch
  NodeRunner finish(plan, pool, frame, scratch);
  const Range chunks{0, static_cast<int64_t>(producer.chunks.size())};
  const Range whole_pool{0, static_cast<int64_t>(pool.chunks.size())};
  make.start();  // the pool keeps nothing in scratch memory from band to band
  double seconds[2] = {0, 0};
  Range held{0, 0};  // the producer's rows that the band has
  for (int64_t y = rows.begin; y < rows.end; y += step.band_rows) {
    const int64_t end = std::min(y + step.band_rows, rows.end);
    const int64_t top = y * window.stride.y - window.padding.y;
    const int64_t bottom = (end - 1) * window.stride.y - window.padding.y + window.kernel.y;
    const Range needed{std::max<int64_t>(top, 0), std::min(bottom, between.height)};
    const int64_t done = std::clamp(held.end, needed.begin, needed.end);
    if (done > needed.begin) {
      std::memmove(frame.band, frame.band + (needed.begin - held.begin) * between.row_bytes,
                   static_cast<size_t>((done - needed.begin) * between.row_bytes));
    }
    frame.band_begin = needed.begin * between.row_bytes;
    held = needed;
    auto start = std::chrono::steady_clock::now();
    make.run({done * producer.width, needed.end * producer.width}, chunks);
    seconds[0] += seconds_since(start);
    start = std::chrono::steady_clock::now();
    finish.run({y * pool.width, end * pool.width}, whole_pool);
    seconds[1] += seconds_since(start);
  }
  scratch->producer_share = seconds[0] / std::max(seconds[0] + seconds[1], 1e-9);
}

}  // namespace

Scratch::Scratch(const ScratchSizes& sizes)
    : tile(static_cast<size_t>(sizes.tile_values)),
      dots(static_cast<size_t>(sizes.dots)),
      panel(sizes.panel_bytes, sizes.staging_pixels),
      pooled_signs(static_cast<size_t>(sizes.input_pixel_bytes)),
      band(static_cast<size_t>(sizes.band_bytes)),
      gathered(static_cast<size_t>(sizes.gathered_bytes)),
      sums(static_cast<size_t>(sizes.sums_bytes)),
      signs(static_cast<size_t>(sizes.signs)),
      conv_windows(static_cast<size_t>(sizes.conv_units)),
      windows(kTileWindows),
      group_windows(kTileWindows),
      base(kTileWindows),
      runs(static_cast<size_t>(sizes.runs)),
      sign_runs(static_cast<size_t>(sizes.signs * sizes.runs)) {}

Split split_node(const NodePlan& node, int threads) {
  // Several parts a thread, equally many, even out what disturbs one of the threads.
  constexpr int64_t kPartPixels = 12;
  constexpr int kPartsPerThread = 2;
  Split split;
  if (threads == 1) return split;
  auto wanted = static_cast<int64_t>(
      std::min(node.cost / kPartNanoseconds, static_cast<double>(threads * kPartsPerThread)));
  if (wanted < 2) return split;
  if (wanted > threads) wanted -= wanted % threads;
  split.pixel_parts = static_cast<int>(std::clamp<int64_t>(node.pixels() / kPartPixels, 1, wanted));
  // Threads must not share a pixel whose signs are written bit by bit.
  if (split.pixel_parts < threads && !node.spread_signs) {
    const auto chunks = static_cast<int64_t>(node.chunks.size());
    split.chunk_parts = static_cast<int>(
        std::clamp<int64_t>(wanted / split.pixel_parts, 1, std::max<int64_t>(chunks, 1)));
  }
  return split;
}

void run_dots(const Plan& plan, const NodePlan& node, const Frame& frame, Scratch* scratch,
              int32_t* dots) {
  const NodeContext context(plan, node, frame, scratch);
  if (node.node->op == Op::kBinaryConv) {
    all_dots(context, dots);
  } else {
    all_sums(context, dots);
  }
}

void run_node(const Plan& plan, const NodePlan& node, const Frame& frame, const Split& split,
              int part, Scratch* scratch) {
  const Range pixels = part_of(node.pixels(), part / split.chunk_parts, split.pixel_parts);
  const Range chunks = part_of(static_cast<int64_t>(node.chunks.size()), part % split.chunk_parts,
                               split.chunk_parts);
  NodeRunner runner(plan, node, frame, scratch);
  runner.start();
  runner.run(pixels, chunks);
}

Split split_step(const Plan& plan, const Step& step, int threads) {
  const NodePlan& node = plan.nodes[static_cast<size_t>(step.node)];
  if (step.producer == kNone) return split_node(node, threads);
  // At each cut some of the producer's rows are made twice: no more parts than threads.
  const double cost = node.cost + plan.nodes[static_cast<size_t>(step.producer)].cost;
  const double most = std::min(
      {cost / kPartNanoseconds, static_cast<double>(threads), static_cast<double>(node.height)});
  Split split;
  split.pixel_parts = std::max(1, static_cast<int>(most));
  return split;
}

void run_step(const Plan& plan, const Step& step, const Frame& frame, const Split& split, int part,
              Scratch* scratch) {
  const NodePlan& node = plan.nodes[static_cast<size_t>(step.node)];
  if (step.producer == kNone) {
    run_node(plan, node, frame, split, part, scratch);
  } else {
    run_bands(plan, step, frame, part_of(node.height, part, split.parts()), scratch);
  }
}

}  // namespace sbnn
