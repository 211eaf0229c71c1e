// The body of real_conv: windows in place where the input has them, else copied, then the sums.

#include "node_context.h"

namespace sbnn {
namespace {

struct RealBody : NodeContext {
  explicit RealBody(const NodeContext& context) : NodeContext(context) {}

  void sum_block(const Block& block, const Chunk& chunk, const Tile& tile, int64_t* copied_group) {
    const auto [begin, count] = tile;
    const RealConvPlan& real = node.real;
    const bool image = input.kind == Kind::kImage;
    const bool in_place = real.in_place && (!image || frame.image_is_float);
    if (*copied_group != block.group) {
      *copied_group = block.group;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t y = (begin + i) / node.width, x = (begin + i) % node.width;
        if (in_place) {
          scratch.real_windows[static_cast<size_t>(i)] = window_in_place(y, x, block.group);
        } else {
          float* const patch = scratch.patches.data() + i * real.taps;
          scratch.real_windows[static_cast<size_t>(i)] = patch;
          if (image && !frame.image_is_float) {
            copy_window(static_cast<const uint8_t*>(frame.image), y, x, block.group, patch);
          } else {
            copy_window(reals(), y, x, block.group, patch);
          }
        }
      }
    }
    static constexpr int64_t kNoOffset = 0;
    RealConvArgs args{};
    args.pixels = static_cast<int>(count);
    args.filters = static_cast<int>(block.filters);
    args.segments = in_place ? static_cast<int>(real.offsets.size()) : 1;
    args.segment_length = in_place ? real.segment_length : real.taps;
    args.offsets = in_place ? real.offsets.data() : &kNoOffset;
    args.weights = real.weights.data() + block.weights;
    args.windows = scratch.real_windows.data();
    args.sums = reinterpret_cast<float*>(scratch.tile.data()) + (block.channel - chunk.channel);
    args.sums_step = node.tile_step;
    kernels.real_conv(args);
  }

  // The input as float32, which it must be.
  const float* reals() const {
    return static_cast<const float*>(input.kind == Kind::kImage
                                         ? frame.image
                                         : static_cast<const void*>(frame.tensor(spec.input)));
  }

  const float* window_in_place(int64_t y, int64_t x, int64_t group) const {
    return reals() + (y * spec.stride.y * input.width + x * spec.stride.x) * input.channels +
           group * (input.channels / spec.groups);
  }

  // One group's taps of a window in (ky, kx, channel) order, pad values where outside the image.
  template <typename T>
  void copy_window(const T* pixels, int64_t y, int64_t x, int64_t group, float* patch) const {
    const int64_t channels = input.channels / spec.groups;
    const bool row_runs = spec.groups == 1 && spec.dilation.x == 1;
    const int64_t left = x * spec.stride.x - spec.padding.x;
    for (int64_t ky = 0; ky < spec.kernel.y; ++ky) {
      const int64_t row = y * spec.stride.y - spec.padding.y + ky * spec.dilation.y;
      const bool row_inside = row >= 0 && row < input.height;
      for (int64_t kx = 0; kx < spec.kernel.x;) {
        const int64_t column = left + kx * spec.dilation.x;
        int64_t taps = 1;
        if (row_inside && column >= 0 && column < input.width) {
          // Neighbouring pixels lie side by side: all that are inside at once.
          if (row_runs) taps = std::min(spec.kernel.x - kx, input.width - column);
          const T* const first = pixels + (row * input.width + column) * input.channels;
          convert(first + group * channels, taps * channels, patch);
        } else {
          convert(node.real.pad_value.data() + group * channels, channels, patch);
        }
        patch += taps * channels;
        kx += taps;
      }
    }
  }
};

}  // namespace

void compute_sums(const NodeContext& context, const Chunk& chunk, const Tile& tile,
                  int64_t* copied_group) {
  RealBody body(context);
  for (size_t i = 0; i < chunk.blocks; ++i) {
    body.sum_block(context.node.blocks[chunk.first_block + i], chunk, tile, copied_group);
  }
}

}  // namespace sbnn
