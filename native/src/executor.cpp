#include "executor.h"

#include <algorithm>
#include <cstring>

namespace sbnn {
namespace {

struct Range {
  int64_t begin, end;
};

Range part_of(int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

// One node on one image; tiles of pixels, in each tile chunk by chunk: body, then epilogue.
class NodeRunner {
 public:
  NodeRunner(const Plan& plan, const NodePlan& node, const Frame& frame, Scratch* scratch)
      : kernels_(*plan.kernels),
        plan_(plan),
        node_(node),
        spec_(*node.node),
        input_(layout(spec_.input)),
        frame_(frame),
        scratch_(*scratch) {}

  void run(const Range& pixels, const Range& chunks) {
    if (spec_.op == Op::kMaxPool && input_.kind == Kind::kBits) {
      for (int64_t pixel = pixels.begin; pixel < pixels.end; ++pixel) pool_signs(pixel);
      return;
    }
    for (int64_t begin = pixels.begin; begin < pixels.end; begin += node_.tile_pixels) {
      const int64_t count = std::min(node_.tile_pixels, pixels.end - begin);
      place_outputs(begin, count);
      prepare_body(begin, count);
      for (int64_t i = chunks.begin; i < chunks.end; ++i) {
        const Chunk& chunk = node_.chunks[static_cast<size_t>(i)];
        compute_values(chunk, begin, count);
        finish_values(chunk, count);
      }
    }
  }

  void run_dots(int32_t* dots) {
    const int64_t windows = node_.binary.height * node_.binary.width;
    for (int64_t begin = 0; begin < windows; begin += kTileWindows) {
      const int64_t count = std::min(kTileWindows, windows - begin);
      for (int64_t i = 0; i < count; ++i) {
        set_window((begin + i) / node_.binary.width, (begin + i) % node_.binary.width, i);
      }
      for (const Chunk& chunk : node_.chunks) {
        // A gathered row may be too wide for a whole tile of windows.
        const int64_t step =
            std::min(count, static_cast<int64_t>(scratch_.tile.size()) / node_.tile_step);
        for (int64_t done = 0; done < count; done += step) {
          const int64_t rows = std::min(step, count - done);
          dot_chunk(chunk, done, rows, scratch_.tile.data());
          for (int64_t row = 0; row < rows; ++row) {
            std::memcpy(dots + (begin + done + row) * node_.channels + chunk.channel,
                        scratch_.tile.data() + row * node_.tile_step,
                        static_cast<size_t>(chunk.channels) * sizeof(int32_t));
          }
        }
      }
    }
  }

 private:
  const TensorLayout& layout(int tensor) const {
    return plan_.tensors[static_cast<size_t>(tensor)];
  }

  // The addresses that pixels [begin, begin + count) of the output have in a tensor of this layout,
  // where pixel (y, x) lies at (y·stride.y - shift.y, x·stride.x - shift.x).
  template <typename T>
  void fill_addresses(uint8_t* tensor, const TensorLayout& layout, const Pair& stride,
                      const Pair& shift, int64_t begin, int64_t count, T** addresses) const {
    const int64_t step = stride.x * layout.pixel_bytes;
    int64_t y = begin / node_.width, x = begin % node_.width;
    while (count > 0) {
      const int64_t run = std::min(count, node_.width - x);
      uint8_t* pixel = tensor + layout.at(y * stride.y - shift.y, x * stride.x - shift.x);
      for (int64_t i = 0; i < run; ++i, pixel += step) {
        addresses[i] = reinterpret_cast<T*>(pixel);
      }
      addresses += run;
      count -= run;
      x = 0;
      ++y;
    }
  }

  // Addresses of the tile's pixels in everything the epilogue reads and writes.
  void place_outputs(int64_t begin, int64_t count) {
    const auto fill = [&](int tensor, const Pair& stride, auto** addresses) {
      fill_addresses(frame_.tensor(tensor), layout(tensor), stride, {0, 0}, begin, count,
                     addresses);
    };
    if (spec_.shortcut.tensor != kNone) {
      fill(spec_.shortcut.tensor, spec_.shortcut.stride, scratch_.shortcut.data());
    }
    if (spec_.real != kNone) fill(spec_.real, {1, 1}, scratch_.real.data());
    for (size_t s = 0; s < spec_.signs.size(); ++s) {
      fill(spec_.signs[s].tensor, {1, 1}, scratch_.sign_pixels.data() + s * kTileWindows);
    }
  }

  // What the body needs before its chunks are computed, or all of it where it has none.
  void prepare_body(int64_t begin, int64_t count) {
    patch_group_ = -1;
    if (spec_.op == Op::kPointwise && input_.kind != Kind::kImage) {
      fill_addresses(frame_.tensor(spec_.input), input_, {1, 1}, {0, 0}, begin, count,
                     scratch_.values.data());
      return;
    }
    for (int64_t i = 0; i < count; ++i) {
      scratch_.values[static_cast<size_t>(i)] = scratch_.tile.data() + i * node_.tile_step;
    }
    switch (spec_.op) {
      case Op::kBinaryConv:
        place_windows(begin, count);
        break;
      case Op::kRealConv:
        break;
      case Op::kPointwise:
        copy_pixels(begin, count);
        break;
      default:
        pool_pixels(begin, count);
        break;
    }
  }

  void place_windows(int64_t begin, int64_t count) {
    if (node_.window_area == 1) {
      const Pair& pool = spec_.pool.stride;
      fill_addresses(frame_.tensor(spec_.input), input_,
                     {spec_.stride.y * pool.y, spec_.stride.x * pool.x}, spec_.padding, begin,
                     count, scratch_.windows.data());
      int64_t y = begin / node_.width, x = begin % node_.width;
      for (int64_t i = 0; i < count; ++i) {
        scratch_.base[static_cast<size_t>(i)] = base_row(y * pool.y, x * pool.x);
        if (++x == node_.width) {
          x = 0;
          ++y;
        }
      }
    } else if (node_.window_area <= kTileWindows) {
      for (int64_t i = 0; i < count; ++i) {
        const int64_t y = (begin + i) / node_.width, x = (begin + i) % node_.width;
        set_pool_windows(y, x, 0, node_.window_area, i * node_.window_area);
      }
    }
  }

  void compute_values(const Chunk& chunk, int64_t begin, int64_t count) {
    if (spec_.op == Op::kBinaryConv) {
      compute_dots(chunk, begin, count);
    } else if (spec_.op == Op::kRealConv) {
      for (size_t i = 0; i < chunk.blocks; ++i) {
        sum_block(node_.blocks[chunk.first_block + i], chunk, begin, count);
      }
    }
  }

  // The row of `base` for the border pattern of the convolution's output (y, x).
  const int32_t* base_row(int64_t y, int64_t x) const {
    const BinaryConvPlan& binary = node_.binary;
    const int64_t pattern =
        binary.row_pattern[static_cast<size_t>(y)] + binary.column_pattern[static_cast<size_t>(x)];
    return binary.base.data() + pattern * binary.base_step;
  }

  void set_window(int64_t y, int64_t x, int64_t slot) {
    scratch_.windows[static_cast<size_t>(slot)] =
        frame_.tensor(spec_.input) +
        input_.at(y * spec_.stride.y - spec_.padding.y, x * spec_.stride.x - spec_.padding.x);
    scratch_.base[static_cast<size_t>(slot)] = base_row(y, x);
  }

  // Windows [from, from + count) of those that are pooled into output (y, x).
  void set_pool_windows(int64_t y, int64_t x, int64_t from, int64_t count, int64_t slot) {
    for (int64_t i = from; i < from + count; ++i) {
      set_window(y * spec_.pool.stride.y + i / spec_.pool.kernel.x,
                 x * spec_.pool.stride.x + i % spec_.pool.kernel.x, slot++);
    }
  }

  void dot_chunk(const Chunk& chunk, int64_t first_window, int64_t windows, int32_t* dots) {
    const BinaryConvPlan& binary = node_.binary;
    BinaryDotArgs args{};
    args.pixels = static_cast<int>(windows);
    args.words = static_cast<int>(binary.offsets.size());
    args.full_words = args.words - static_cast<int>(binary.masks.size());
    args.offsets = binary.offsets.data();
    args.masks = binary.masks.data();
    args.windows = scratch_.windows.data() + first_window;
    args.base = scratch_.base.data() + first_window;
    args.dots_step = node_.tile_step;
    for (size_t i = 0; i < chunk.blocks; ++i) {
      const Block& block = node_.blocks[chunk.first_block + i];
      args.filters = static_cast<int>(block.filters);
      args.weights = binary.weights.data() + block.weights;
      args.window_shift = block.group * input_.bits.group_bytes;
      args.first_filter = block.channel;
      args.dots = dots + (block.channel - chunk.channel);
      kernels_.binary_dot(args);
    }
  }

  void compute_dots(const Chunk& chunk, int64_t begin, int64_t count) {
    int32_t* const tile = scratch_.tile.data();
    const int64_t area = node_.window_area;
    if (area == 1) {
      dot_chunk(chunk, 0, count, tile);
      return;
    }
    MaxDotsArgs args{};
    args.step = node_.tile_step;
    args.channels = chunk.channels;
    if (area <= kTileWindows) {
      dot_chunk(chunk, 0, count * area, scratch_.dots.data());
      args.count = static_cast<int>(area);
      for (int64_t i = 0; i < count; ++i) {
        args.rows = scratch_.dots.data() + i * area * node_.tile_step;
        args.result = tile + i * node_.tile_step;
        kernels_.max_dots(args);
      }
      return;
    }
    // A pool too large for a tile: one pixel, piece by piece.
    for (int64_t from = 0; from < area; from += kTileWindows) {
      const int64_t windows = std::min(kTileWindows, area - from);
      set_pool_windows(begin / node_.width, begin % node_.width, from, windows, 0);
      dot_chunk(chunk, 0, windows, scratch_.dots.data());
      args.count = static_cast<int>(windows);
      args.rows = scratch_.dots.data();
      args.fold = from > 0;
      args.result = tile;
      kernels_.max_dots(args);
    }
  }

  void sum_block(const Block& block, const Chunk& chunk, int64_t begin, int64_t count) {
    const RealConvPlan& real = node_.real;
    const bool image = input_.kind == Kind::kImage;
    const bool in_place = real.in_place && (!image || frame_.image_is_float);
    if (patch_group_ != block.group) {
      patch_group_ = block.group;
      for (int64_t i = 0; i < count; ++i) {
        const int64_t y = (begin + i) / node_.width, x = (begin + i) % node_.width;
        if (in_place) {
          scratch_.real_windows[static_cast<size_t>(i)] = window_in_place(y, x, block.group);
        } else {
          float* const patch = scratch_.patches.data() + i * real.taps;
          scratch_.real_windows[static_cast<size_t>(i)] = patch;
          if (image && !frame_.image_is_float) {
            copy_window(static_cast<const uint8_t*>(frame_.image), y, x, block.group, patch);
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
    args.windows = scratch_.real_windows.data();
    args.sums = reinterpret_cast<float*>(scratch_.tile.data()) + (block.channel - chunk.channel);
    args.sums_step = node_.tile_step;
    kernels_.real_conv(args);
  }

  // The input as float32, which it must be.
  const float* reals() const {
    return static_cast<const float*>(input_.kind == Kind::kImage
                                         ? frame_.image
                                         : static_cast<const void*>(frame_.tensor(spec_.input)));
  }

  const float* window_in_place(int64_t y, int64_t x, int64_t group) const {
    return reals() + (y * spec_.stride.y * input_.width + x * spec_.stride.x) * input_.channels +
           group * (input_.channels / spec_.groups);
  }

  // One group's taps of a window in (ky, kx, channel) order, pad values where outside the image.
  template <typename T>
  void copy_window(const T* input, int64_t y, int64_t x, int64_t group, float* patch) const {
    const int64_t channels = input_.channels / spec_.groups;
    const bool row_runs = spec_.groups == 1 && spec_.dilation.x == 1;
    const int64_t left = x * spec_.stride.x - spec_.padding.x;
    for (int64_t ky = 0; ky < spec_.kernel.y; ++ky) {
      const int64_t row = y * spec_.stride.y - spec_.padding.y + ky * spec_.dilation.y;
      const bool row_inside = row >= 0 && row < input_.height;
      for (int64_t kx = 0; kx < spec_.kernel.x;) {
        const int64_t column = left + kx * spec_.dilation.x;
        int64_t taps = 1;
        if (row_inside && column >= 0 && column < input_.width) {
          // Neighbouring pixels lie side by side: all that are inside at once.
          if (row_runs) taps = std::min(spec_.kernel.x - kx, input_.width - column);
          const T* const first = input + (row * input_.width + column) * input_.channels;
          convert(first + group * channels, taps * channels, patch);
        } else {
          convert(node_.real.pad_value.data() + group * channels, channels, patch);
        }
        patch += taps * channels;
        kx += taps;
      }
    }
  }

  template <typename T>
  static void convert(const T* values, int64_t count, float* floats) {
    for (int64_t i = 0; i < count; ++i) floats[i] = static_cast<float>(values[i]);
  }

  // The tile's pixels of the image as float32.
  void copy_pixels(int64_t begin, int64_t count) {
    const int64_t channels = input_.channels;
    float* const tile = reinterpret_cast<float*>(scratch_.tile.data());
    for (int64_t i = 0; i < count; ++i) {
      const int64_t first = (begin + i) * channels;
      float* const values = tile + i * node_.tile_step;
      if (frame_.image_is_float) {
        convert(static_cast<const float*>(frame_.image) + first, channels, values);
      } else {
        convert(static_cast<const uint8_t*>(frame_.image) + first, channels, values);
      }
    }
  }

  // The part of a pool's window that lies inside its input.
  struct Window {
    int64_t y, x, rows, columns;
  };
  Window pool_window(int64_t y, int64_t x) const {
    const int64_t top = y * spec_.stride.y - spec_.padding.y;
    const int64_t left = x * spec_.stride.x - spec_.padding.x;
    Window window{std::max<int64_t>(top, 0), std::max<int64_t>(left, 0), 0, 0};
    window.rows = std::min(top + spec_.kernel.y, input_.height) - window.y;
    window.columns = std::min(left + spec_.kernel.x, input_.width) - window.x;
    return window;
  }

  void pool_pixels(int64_t begin, int64_t count) {
    float* const tile = reinterpret_cast<float*>(scratch_.tile.data());
    for (int64_t i = 0; i < count; ++i) {
      pool_pixel((begin + i) / node_.width, (begin + i) % node_.width, tile + i * node_.tile_step);
    }
  }

  void pool_pixel(int64_t y, int64_t x, float* values) {
    const bool global = spec_.op == Op::kGlobalMean;
    const Window window = global ? Window{0, 0, input_.height, input_.width} : pool_window(y, x);
    PoolArgs args{};
    args.first =
        reinterpret_cast<const float*>(frame_.tensor(spec_.input) + input_.at(window.y, window.x));
    args.rows = window.rows;
    args.columns = window.columns;
    args.row_step = input_.width * input_.channels;
    args.column_step = input_.channels;
    args.channels = input_.channels;
    args.divisor = static_cast<float>(window.rows * window.columns);
    args.result = values;
    if (global) {
      kernels_.global_mean(args);
    } else if (spec_.op == Op::kAvgPool) {
      kernels_.avg_pool(args);
    } else {
      kernels_.max_pool(args);
    }
  }

  // The maximum of signs is negative only where all are: the AND of the bits.
  void pool_signs(int64_t pixel) {
    const int64_t y = pixel / node_.width, x = pixel % node_.width;
    const Window window = pool_window(y, x);
    const auto bytes = static_cast<size_t>(input_.pixel_bytes);
    uint8_t* const pooled = scratch_.pooled_signs.data();
    const uint8_t* const source = frame_.tensor(spec_.input);
    std::memcpy(pooled, source + input_.at(window.y, window.x), bytes);
    for (int64_t row = 0; row < window.rows; ++row) {
      for (int64_t column = 0; column < window.columns; ++column) {
        const uint8_t* const tap = source + input_.at(window.y + row, window.x + column);
        for (size_t i = 0; i < bytes; ++i) pooled[i] &= tap[i];
      }
    }
    for (size_t s = 0; s < spec_.signs.size(); ++s) {
      const TensorLayout& output = layout(spec_.signs[s].tensor);
      uint8_t* const target = frame_.tensor(spec_.signs[s].tensor) + output.at(y, x);
      const uint64_t* const flip = node_.signs[s].flip.data();
      const auto target_bytes = static_cast<size_t>(output.pixel_bytes);
      if (input_.bits.contiguous() && output.bits.contiguous()) {
        const uint8_t* const flip_bytes = reinterpret_cast<const uint8_t*>(flip);
        const size_t shared = std::min(bytes, target_bytes);
        for (size_t i = 0; i < shared; ++i) target[i] = pooled[i] ^ flip_bytes[i];
        std::memset(target + shared, 0, target_bytes - shared);
        continue;
      }
      std::memset(target, 0, target_bytes);
      for (int64_t c = 0; c < node_.channels; ++c) {
        const bool flipped = (flip[c / 64] >> (c % 64) & 1) != 0;
        output.bits.put(target, c, input_.bits.get(pooled, c) != flipped);
      }
    }
  }

  void finish_values(const Chunk& chunk, int64_t count) {
    EpilogueArgs args{};
    args.pixels = static_cast<int>(count);
    args.channel_begin = chunk.channel;
    args.channel_count = chunk.channels;
    args.integer = spec_.op == Op::kBinaryConv;
    args.wants_real = node_.wants_real;
    args.values = scratch_.values.data();
    args.scale = node_.scale.data();
    args.shift = node_.shift.data();
    if (spec_.shortcut.tensor != kNone) {
      args.shortcut = scratch_.shortcut.data();
      args.shortcut_offset = spec_.shortcut.offset;
      args.shortcut_channels = layout(spec_.shortcut.tensor).channels;
    }
    args.activation = spec_.activation;
    args.slope = node_.slope.data();
    if (spec_.real != kNone) args.real = scratch_.real.data();
    args.sign_count = static_cast<int>(spec_.signs.size());
    for (size_t s = 0; s < spec_.signs.size(); ++s) {
      const SignPlan& sign = node_.signs[s];
      const TensorLayout& output = layout(spec_.signs[s].tensor);
      SignArgs& target = scratch_.signs[s];
      target.threshold = sign.threshold.data();
      target.integer_threshold = sign.integer_threshold.data();
      target.flip = sign.flip.data();
      target.pixels = scratch_.sign_pixels.data() + s * kTileWindows;
      target.pixel_bytes = output.pixel_bytes;
      target.group_channels = output.bits.group_channels;
      target.group_bytes = output.bits.contiguous() ? 0 : output.bits.group_bytes;
    }
    args.signs = scratch_.signs.data();
    args.sign_words = scratch_.sign_words.data();
    kernels_.epilogue(args);
  }

  const KernelTable& kernels_;
  const Plan& plan_;
  const NodePlan& node_;
  const Node& spec_;
  const TensorLayout& input_;
  const Frame& frame_;
  Scratch& scratch_;
  int64_t patch_group_ = -1;  // whose windows are in place
};

}  // namespace

Scratch::Scratch(const ScratchSizes& sizes)
    : tile(static_cast<size_t>(sizes.tile_values)),
      dots(static_cast<size_t>(sizes.dots)),
      patches(static_cast<size_t>(sizes.patch_floats)),
      pooled_signs(static_cast<size_t>(sizes.input_pixel_bytes)),
      sign_words(static_cast<size_t>(sizes.signs)),
      signs(static_cast<size_t>(sizes.signs)),
      windows(kTileWindows),
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

void run_dots(const Plan& plan, const NodePlan& node, const Frame& frame, Scratch* scratch,
              int32_t* dots) {
  NodeRunner(plan, node, frame, scratch).run_dots(dots);
}

}  // namespace sbnn
