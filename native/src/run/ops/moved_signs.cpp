// Signs that change places and nothing else. Bits are moved, never made floats:
//   a concatenation or a slice of whole bytes, row by row, a byte or a word at a time;
//   columns that become channels, a square of 32 by 32 bits at a time;
//   anything else a pixel at a time, which is put together of runs of bits at any place.

#include "run/ops/moved_signs.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "plan/layouts/bit_blocks.h"
#include "run/ops/sign_pixels.h"

namespace sbnn {
namespace {

// Bits of what is read that one pixel gets. At most one of both steps is not 1.
struct BitRun {
  const uint8_t* from;
  int64_t first, step;  // the bit where they begin, and from a bit to the next
  int64_t to, to_step;  // the same of the pixel that they go to
  int64_t count;
};

// Some bytes of each pixel of a tensor.
struct ByteRun {
  int tensor;
  int64_t first, count;
};

// `bytes` of each of `count` pixels, one step after the other; of kBytes where that is their
// number.
template <int64_t kBytes>
void copy_pixels(const uint8_t* from, int64_t from_step, uint8_t* to, int64_t to_step,
                 int64_t bytes, int64_t count) {
  for (int64_t i = 0; i < count; ++i, from += from_step, to += to_step) {
    if constexpr (kBytes == 0) {
      std::memcpy(to, from, static_cast<size_t>(bytes));
    } else {
      for (int64_t byte = 0; byte < bytes; byte += kBytes) {
        std::memcpy(to + byte, from + byte, static_cast<size_t>(kBytes));
      }
    }
  }
}

// The one of them that copies the largest words.
decltype(&copy_pixels<0>) copier(int64_t bytes) {
  if (bytes % 8 == 0) return copy_pixels<8>;
  if (bytes == 4) return copy_pixels<4>;
  if (bytes == 2) return copy_pixels<2>;
  return bytes == 1 ? copy_pixels<1> : copy_pixels<0>;
}

class SignMover : public NodeContext {
 public:
  explicit SignMover(const NodeContext& context)
      : NodeContext(context), comb_(std::max<int64_t>(2, run_step())) {}

  void move(const Tile& tile) {
    if (spec.op == Op::kTranspose && !is_whole() && has_plain_outputs()) {
      for_rows(tile, [&](int64_t y, int64_t x, int64_t count) { transpose_row(y, x, count); });
    } else if (has_plain_outputs() && is_whole_bytes()) {
      for_rows(tile, [&](int64_t y, int64_t x, int64_t count) { copy_row(y, x, count); });
    } else {
      for_rows(tile, [&](int64_t y, int64_t x, int64_t count) {
        for (const int64_t end = x + count; x < end; ++x) move_pixel(y, x);
      });
    }
  }

 private:
  // Calls run(y, x, count) for each row's part of a tile.
  template <typename Run>
  void for_rows(const Tile& tile, Run run) const {
    int64_t y = tile.begin / node.width, x = tile.begin % node.width;
    for (int64_t left = tile.count; left > 0; ++y, x = 0) {
      const int64_t count = std::min(left, node.width - x);
      run(y, x, count);
      left -= count;
    }
  }

  bool is_whole() const { return spec.keys.flag(Key::kWholePixels); }
  int64_t block() const { return spec.keys.integer(Key::kBlock); }

  bool has_plain_outputs() const {
    return std::all_of(spec.signs.begin(), spec.signs.end(), [&](const SignOutput& output) {
      return output.flip == kNone && layout(output.tensor).bits.contiguous();
    });
  }

  const uint8_t* pixel(int tensor, int64_t y, int64_t x) const {
    return frame.tensor(tensor) + layout(tensor).at(y, x);
  }
  const uint8_t* pixel(int64_t y, int64_t x) const { return pixel(spec.input, y, x); }

  // Whole bytes.

  // Calls visit(run) for what each pixel of a concatenation or a slice is put together of.
  template <typename Visit>
  void for_bytes(Visit visit) const {
    if (spec.op == Op::kSlice) {
      visit(ByteRun{spec.input, spec.keys.integer(Key::kFirst) / 8, node.channels / 8});
      return;
    }
    visit(ByteRun{spec.input, 0, (input.channels + 7) / 8});
    for (const int tensor : spec.more_inputs) {
      visit(ByteRun{tensor, 0, (layout(tensor).channels + 7) / 8});
    }
  }

  bool is_whole_bytes() const {
    if (spec.op == Op::kSlice) {
      return spec.keys.integer(Key::kFirst) % 8 == 0 && node.channels % 8 == 0;
    }
    if (spec.op != Op::kConcat || input.channels % 8 != 0) return false;
    return std::all_of(spec.more_inputs.begin(), spec.more_inputs.end() - 1,
                       [&](int tensor) { return layout(tensor).channels % 8 == 0; });
  }

  void copy_row(int64_t y, int64_t x, int64_t count) const {
    for (const SignOutput& output : spec.signs) {
      const TensorLayout& target = layout(output.tensor);
      uint8_t* const to = frame.tensor(output.tensor) + target.at(y, x);
      int64_t filled = 0;
      for_bytes([&](const ByteRun& run) {
        copier(run.count)(pixel(run.tensor, y, x) + run.first, layout(run.tensor).pixel_bytes,
                          to + filled, target.pixel_bytes, run.count, count);
        filled += run.count;
      });
      for (; filled < target.pixel_bytes; ++filled) {
        for (int64_t i = 0; i < count; ++i) to[i * target.pixel_bytes + filled] = 0;
      }
    }
  }

  // Columns that become channels: bit c of pixel x is bit x of pixel c.
  void transpose_row(int64_t y, int64_t x, int64_t count) const {
    std::array<uint32_t, kBlockBits> block;
    const int64_t bits = round_up(node.channels, 64);
    for (const int64_t end = x + count; x < end; x += kBlockBits) {
      const int64_t pixels = std::min(kBlockBits, end - x);
      for (int64_t c = 0; c < bits; c += kBlockBits) {
        block.fill(0);
        for (int64_t i = 0; i < std::min(kBlockBits, node.channels - c); ++i) {
          block[static_cast<size_t>(i)] =
              static_cast<uint32_t>(read_bits(pixel(y, c + i), x, pixels));
        }
        transpose_block(&block);
        for (const SignOutput& output : spec.signs) store_block(block, output, y, x, pixels, c);
      }
    }
  }

  // Channels [c, c + 32) of some pixels.
  void store_block(const std::array<uint32_t, kBlockBits>& block, const SignOutput& output,
                   int64_t y, int64_t x, int64_t pixels, int64_t c) const {
    const TensorLayout& target = layout(output.tensor);
    const auto bytes = static_cast<size_t>(std::clamp<int64_t>(target.pixel_bytes - c / 8, 0, 4));
    uint8_t* to = frame.tensor(output.tensor) + target.at(y, x) + c / 8;
    for (int64_t i = 0; i < pixels; ++i, to += target.pixel_bytes) {
      std::memcpy(to, &block[static_cast<size_t>(i)], bytes);
    }
  }

  // Anything else.

  void move_pixel(int64_t y, int64_t x) {
    uint8_t* const moved = scratch.pooled_signs.data();
    auto* const words = reinterpret_cast<uint64_t*>(moved);
    std::fill_n(words, (node.channels + 63) / 64, 0);
    for_runs(y, x, [&](const BitRun& run) { copy_run(run, words); });
    store_signs_at(*this, moved, BitsLayout(node.channels, 1), y, x);
  }

  // Calls visit(run) for what pixel (y, x) is put together of.
  template <typename Visit>
  void for_runs(int64_t y, int64_t x, Visit visit) const {
    const int64_t channels = node.channels;
    switch (spec.op) {
      case Op::kConcat: {
        visit(BitRun{pixel(y, x), 0, 1, 0, 1, input.channels});
        int64_t to = input.channels;
        for (const int tensor : spec.more_inputs) {
          visit(BitRun{pixel(tensor, y, x), 0, 1, to, 1, layout(tensor).channels});
          to += layout(tensor).channels;
        }
        return;
      }
      case Op::kSlice:
        return visit(BitRun{pixel(y, x), spec.keys.integer(Key::kFirst), 1, 0, 1, channels});
      case Op::kUpsample: {
        const Pair factor = spec.keys.pair(Key::kFactor);
        return visit(BitRun{pixel(y / factor.y, x / factor.x), 0, 1, 0, 1, channels});
      }
      case Op::kFlatten:
      case Op::kReshape:
        return for_places((y * node.width + x) * channels, visit);
      case Op::kTranspose:
        if (is_whole()) return visit(BitRun{pixel(x, y), 0, 1, 0, 1, channels});
        return visit(BitRun{pixel(y, 0), x, run_step(), 0, 1, channels});
      case Op::kSpaceToDepth:
        for (int64_t i = 0; i < run_step(); ++i) {
          const uint8_t* const from = pixel(y * block() + i / block(), x * block() + i % block());
          visit(BitRun{from, 0, 1, i, run_step(), input.channels});
        }
        return;
      case Op::kDepthToSpace: {
        const int64_t within = y % block() * block() + x % block();
        return visit(BitRun{pixel(y / block(), x / block()), within, run_step(), 0, 1, channels});
      }
      case Op::kChannelShuffle: {
        const int64_t groups = run_step(), each = channels / groups;
        for (int64_t group = 0; group < groups; ++group) {
          visit(BitRun{pixel(y, x), group * each, 1, group, groups, each});
        }
        return;
      }
      default:
        return visit(BitRun{pixel(y, x), 0, 1, 0, 1, channels});
    }
  }

  // Values that keep their order, from this place of it on.
  template <typename Visit>
  void for_places(int64_t place, Visit visit) const {
    for (int64_t to = 0; to < node.channels;) {
      const int64_t from = place / input.channels, first = place % input.channels;
      const int64_t count = std::min(node.channels - to, input.channels - first);
      visit(BitRun{pixel(from / input.width, from % input.width), first, 1, to, 1, count});
      to += count;
      place += count;
    }
  }

  // The step of the node's runs, in bits, on the side where it is not 1.
  int64_t run_step() const {
    switch (spec.op) {
      case Op::kTranspose:
        return is_whole() ? 1 : 8 * input.pixel_bytes;
      case Op::kSpaceToDepth:
      case Op::kDepthToSpace:
        return block() * block();
      case Op::kChannelShuffle:
        return spec.groups;
      default:
        return 1;
    }
  }

  void copy_run(const BitRun& run, uint64_t* words) const {
    const int64_t piece = run.step == 1 && run.to_step == 1 ? 64 : comb_.count();
    for (int64_t i = 0; i < run.count; i += piece) {
      const int64_t count = std::min(piece, run.count - i);
      uint64_t bits = read_bits(run.from, run.first + i * run.step, (count - 1) * run.step + 1);
      if (run.step > 1) bits = comb_.gather(bits);
      if (run.to_step > 1) bits = comb_.spread(bits);
      write_bits(words, run.to + i * run.to_step, bits, (count - 1) * run.to_step + 1);
    }
  }

  Comb comb_;
};

bool is_dense(const TensorLayout& layout) {
  return layout.kind == Kind::kBits && layout.bits.contiguous();
}

bool is_move(Op op) {
  switch (op) {
    case Op::kIdentity:
    case Op::kFlatten:
    case Op::kConcat:
    case Op::kSlice:
    case Op::kUpsample:
    case Op::kSpaceToDepth:
    case Op::kDepthToSpace:
    case Op::kChannelShuffle:
    case Op::kTranspose:
    case Op::kReshape:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool moves_signs(const NodeContext& context) {
  const FusedNode& spec = context.spec;
  if (!is_move(spec.op) || !spec.keeps_signs() || !is_dense(context.input)) return false;
  return std::all_of(spec.more_inputs.begin(), spec.more_inputs.end(),
                     [&](int tensor) { return is_dense(context.layout(tensor)); });
}

void move_signs(const NodeContext& context, const Tile& tile) { SignMover(context).move(tile); }

}  // namespace sbnn
