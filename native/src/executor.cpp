#include "executor.h"

#include <algorithm>

#include "node_context.h"

namespace sbnn {
namespace {

struct Range {
  int64_t begin, end;
};

Range part_of(int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

// Tiles of pixels, in each tile chunk by chunk: body, then epilogue while the values are in L1.
struct NodeRunner : NodeContext {
  using NodeContext::NodeContext;

  void run(const Range& pixels, const Range& chunks) {
    if (spec.op == Op::kMaxPool && input.kind == Kind::kBits) {
      pool_signs(*this, {pixels.begin, pixels.end - pixels.begin});
      return;
    }
    scratch.sums_done = 0;
    for (int64_t begin = pixels.begin; begin < pixels.end; begin += node.tile_pixels) {
      const Tile tile{begin, std::min(node.tile_pixels, pixels.end - begin)};
      int64_t copied_group = kNone;
      place_outputs(tile);
      prepare_body(tile);
      for (int64_t i = chunks.begin; i < chunks.end; ++i) {
        const Chunk& chunk = node.chunks[static_cast<size_t>(i)];
        if (spec.op == Op::kBinaryConv) compute_dots(*this, chunk, tile);
        if (spec.op == Op::kRealConv) compute_sums(*this, chunk, tile, &copied_group);
        finish_values(chunk, tile.count);
      }
    }
  }

 private:
  // Addresses of the tile's pixels in everything the epilogue reads and writes.
  void place_outputs(const Tile& tile) {
    const auto fill = [&](int tensor, const Pair& stride, auto** addresses) {
      fill_addresses(frame.tensor(tensor), layout(tensor), stride, {0, 0}, tile, addresses);
    };
    if (spec.shortcut.tensor != kNone) {
      fill(spec.shortcut.tensor, spec.shortcut.stride, scratch.shortcut.data());
    }
    if (spec.real != kNone) fill(spec.real, {1, 1}, scratch.real.data());
    for (size_t s = 0; s < spec.signs.size(); ++s) {
      fill(spec.signs[s].tensor, {1, 1}, scratch.sign_pixels.data() + s * kTileWindows);
    }
  }

  // What the body needs before its chunks are computed, or all of it where it has none.
  void prepare_body(const Tile& tile) {
    if (spec.op == Op::kPointwise && input.kind != Kind::kImage) {
      fill_addresses(frame.tensor(spec.input), input, {1, 1}, {0, 0}, tile, scratch.values.data());
      return;
    }
    for (int64_t i = 0; i < tile.count; ++i) {
      scratch.values[static_cast<size_t>(i)] = scratch.tile.data() + i * node.tile_step;
    }
    switch (spec.op) {
      case Op::kBinaryConv:
        place_windows(*this, tile);
        break;
      case Op::kRealConv:
        break;
      case Op::kPointwise:
        copy_pixels(*this, tile);
        break;
      default:
        pool_reals(*this, tile);
        break;
    }
  }

  void finish_values(const Chunk& chunk, int64_t count) {
    EpilogueArgs args{};
    args.pixels = static_cast<int>(count);
    args.channel_begin = chunk.channel;
    args.channel_count = chunk.channels;
    args.integer = spec.op == Op::kBinaryConv;
    args.wants_real = node.wants_real;
    args.values = scratch.values.data();
    args.scale = node.scale.data();
    args.shift = node.shift.data();
    if (spec.shortcut.tensor != kNone) {
      args.shortcut = scratch.shortcut.data();
      args.shortcut_offset = spec.shortcut.offset;
      args.shortcut_channels = layout(spec.shortcut.tensor).channels;
    }
    args.activation = spec.activation;
    args.slope = node.slope.data();
    if (spec.real != kNone) args.real = scratch.real.data();
    args.sign_count = static_cast<int>(spec.signs.size());
    for (size_t s = 0; s < spec.signs.size(); ++s) {
      const SignPlan& sign = node.signs[s];
      const TensorLayout& output = layout(spec.signs[s].tensor);
      SignArgs& target = scratch.signs[s];
      target.threshold = sign.threshold.data();
      target.integer_threshold = sign.integer_threshold.data();
      target.flip = sign.flip.data();
      target.pixels = scratch.sign_pixels.data() + s * kTileWindows;
      target.pixel_bytes = output.pixel_bytes;
      target.group_channels = output.bits.group_channels;
      target.group_bytes = output.bits.contiguous() ? 0 : output.bits.group_bytes;
    }
    args.signs = scratch.signs.data();
    args.sign_words = scratch.sign_words.data();
    kernels.epilogue(args);
  }
};

}  // namespace

Scratch::Scratch(const ScratchSizes& sizes)
    : tile(static_cast<size_t>(sizes.tile_values)),
      dots(static_cast<size_t>(sizes.dots)),
      patches(static_cast<size_t>(sizes.patch_floats)),
      pooled_signs(static_cast<size_t>(sizes.input_pixel_bytes)),
      gathered(static_cast<size_t>(sizes.gathered_bytes)),
      sums(static_cast<size_t>(sizes.sums_bytes)),
      sign_words(static_cast<size_t>(sizes.signs)),
      signs(static_cast<size_t>(sizes.signs)),
      windows(kTileWindows),
      group_windows(kTileWindows),
      real_windows(kTileWindows),
      base(kTileWindows),
      values(kTileWindows),
      shortcut(kTileWindows),
      real(kTileWindows),
      sign_pixels(static_cast<size_t>(sizes.signs * kTileWindows)) {}

Split split_node(const NodePlan& node, int threads) {
  // A part should outweigh handing it out; more parts than threads even out uneven ones.
  constexpr double kPartNanoseconds = 2000;
  constexpr int64_t kPartPixels = 12;
  constexpr int kPartsPerThread = 4;
  Split split;
  if (threads == 1) return split;
  const auto wanted = static_cast<int64_t>(
      std::min(node.cost / kPartNanoseconds, static_cast<double>(threads * kPartsPerThread)));
  if (wanted < 2) return split;
  split.pixel_parts = static_cast<int>(std::clamp<int64_t>(node.pixels() / kPartPixels, 1, wanted));
  // Threads must not share a pixel whose signs are written bit by bit.
  if (split.pixel_parts < threads && !node.spread_signs) {
    const auto chunks = static_cast<int64_t>(node.chunks.size());
    split.chunk_parts = static_cast<int>(
        std::clamp<int64_t>(wanted / split.pixel_parts, 1, std::max<int64_t>(chunks, 1)));
  }
  return split;
}

void run_node(const Plan& plan, const NodePlan& node, const Frame& frame, const Split& split,
              int part, Scratch* scratch) {
  const Range pixels = part_of(node.pixels(), part / split.chunk_parts, split.pixel_parts);
  const Range chunks = part_of(static_cast<int64_t>(node.chunks.size()), part % split.chunk_parts,
                               split.chunk_parts);
  NodeRunner(plan, node, frame, scratch).run(pixels, chunks);
}

}  // namespace sbnn
