// The gradient of a convolution's input, row by row of its kernels' register tiles.
//
// Input pixel i of an axis is reached through kernel position k by output o where
// i + padding = o·stride + k. So the pixels of one phase f = (i + padding) mod stride meet the taps
// k = f + stride·t alone, at outputs j - t with j = (i + padding - f) / stride: each phase is a
// convolution of its own, of stride 1, and nothing is multiplied by the zeros of a dilated
// gradient.

#include <algorithm>
#include <cstring>
#include <vector>

#include "signbit/training.h"
#include "training/gradient_kernels.h"
#include "training/work_space.h"

namespace sbnn {
namespace {

constexpr int64_t kWeightBytes = 16 << 10;  // read again and again: half of a first-level cache
constexpr int64_t kGroupBytes = 128 << 10;  // copies of images that share what was fetched

// Pixels of one phase: the first, then every `stride`. Taps are in the order of the outputs that
// they read: those of the pixel number n are outputs start + n onward.
struct Phase {
  int64_t phase, first, count, taps, start;

  Phase(int64_t f, int64_t size, int64_t kernel, int64_t stride, int64_t padding) : phase(f) {
    const int64_t j = padding > f ? (padding - f + stride - 1) / stride : 0;
    first = stride * j + f - padding;
    count = first < size ? (size - first + stride - 1) / stride : 0;
    taps = f < kernel ? (kernel - f + stride - 1) / stride : 0;
    start = j - std::max<int64_t>(taps - 1, 0);
  }
  int64_t kernel_position(int64_t tap, int64_t stride) const {
    return phase + stride * (taps - 1 - tap);
  }
};

// A few neighbouring taps of a phase's row.
struct TapRun {
  int64_t first;
  int taps;
};

std::vector<TapRun> tap_runs(int64_t taps) {
  const int64_t count = (taps + kMaxTapRun - 1) / kMaxTapRun;
  std::vector<TapRun> runs;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = taps * i / count;
    runs.push_back({first, static_cast<int>(taps * (i + 1) / count - first)});
  }
  return runs;
}

// Where everything lies, and in which order it is walked.
struct InputPlan {
  const GradientKernels& kernels;
  const TrainingConv& conv;
  std::vector<Phase> rows, columns;
  int64_t units, vectors, max_vectors;
  int64_t left = 0, pixel_bytes, row_bytes, group;

  InputPlan(const GradientKernels& k, const TrainingConv& c) : kernels(k), conv(c) {
    int64_t right = 0, widest = 0;
    for (int64_t f = 0; f < conv.stride_y; ++f) {
      rows.emplace_back(f, conv.height, conv.kernel_y, conv.stride_y, conv.padding_y);
    }
    for (int64_t f = 0; f < conv.stride_x; ++f) {
      const Phase phase(f, conv.width, conv.kernel_x, conv.stride_x, conv.padding_x);
      columns.push_back(phase);
      if (phase.count == 0) continue;
      left = std::max(left, -phase.start);
      const int64_t end = phase.start + phase.count + std::max<int64_t>(phase.taps, 1) - 1;
      right = std::max(right, end - conv.out_width);
      widest = std::max(widest, phase.count);
    }
    units = (conv.out_channels + kernels.unit_values - 1) / kernels.unit_values;
    vectors = (conv.in_channels + kernels.lanes - 1) / kernels.lanes;
    max_vectors = kernels.vectors * (widest <= 4 && kernels.vectors == 2 ? 2 : 1);
    // Pixels a power of two apart would compete for the same lines of a cache.
    pixel_bytes = 4 * units + (units % 256 == 0 ? 64 : 0);
    row_bytes = pixel_bytes * (left + conv.out_width + right);
    group = std::clamp<int64_t>(kGroupBytes / image_bytes(), 1, std::max<int64_t>(conv.images, 1));
  }

  int64_t image_bytes() const { return conv.out_height * row_bytes; }
  int64_t weight_bytes() const {
    return conv.kernel_y * conv.kernel_x * units * vectors * kernels.lanes * 4;
  }
  void take(WorkSpace& work, uint8_t** copies, const uint8_t*** grad,
            const uint8_t*** weights) const {
    *copies = work.take<uint8_t>(group * image_bytes());
    *grad = work.take<const uint8_t*>(conv.kernel_y);
    *weights = work.take<const uint8_t*>(conv.kernel_y);
  }

  // Calls each(row phase, column phase, first vector, vectors, tap run, bytes of its weights
  // before) in the order in which weights are packed. A phase without taps comes once for each
  // tile of vectors, with an empty run.
  template <typename Function>
  void for_each_run(Function each) const {
    int64_t bytes = 0;
    for (const Phase& row : rows) {
      for (const Phase& column : columns) {
        std::vector<TapRun> runs = tap_runs(row.taps == 0 ? 0 : column.taps);
        if (runs.empty()) runs.push_back({0, 0});
        for (int64_t vector = 0; vector < vectors;) {
          const int tile = tile_of(vectors - vector);
          for (const TapRun& run : runs) {
            each(row, column, vector, tile, run, bytes);
            bytes += row.taps * run.taps * units * tile * kernels.lanes * 4;
          }
          vector += tile;
        }
      }
    }
  }

 private:
  int tile_of(int64_t remaining) const {
    int64_t tile = max_vectors;
    while (tile > remaining) tile /= 2;
    return static_cast<int>(tile);
  }
};

// One range's walk over a group of images whose copies are at hand.
class InputWalk {
 public:
  InputWalk(const InputPlan& plan, const void* packed, float* result, void* memory)
      : plan_(plan),
        conv_(plan.conv),
        packed_(static_cast<const uint8_t*>(packed)),
        result_(result) {
    WorkSpace work(memory);
    plan.take(work, &copies_, &grad_, &weights_);
    std::memset(copies_, 0, static_cast<size_t>(plan.group * plan.image_bytes()));
  }

  void copy_images(const float* grad_out, int64_t first, int64_t images) {
    first_ = first;
    images_ = images;
    const int64_t row_values = conv_.out_width * conv_.out_channels;
    const float* row = grad_out + first * conv_.out_height * row_values;
    uint8_t* copy = copies_ + plan_.left * plan_.pixel_bytes;
    for (int64_t i = 0; i < images * conv_.out_height; ++i) {
      plan_.kernels.copy_pixels(row, conv_.out_width, conv_.out_channels, plan_.pixel_bytes, copy);
      row += row_values;
      copy += plan_.row_bytes;
    }
  }

  // All rows of one phase, for one tile of vectors, with one run of taps: by as many kernel rows,
  // or as many units of one, as let the weights stay in a cache for all rows of all images.
  void add_run(const Phase& row, const Phase& column, int64_t vector, int vectors,
               const TapRun& run, int64_t weight_offset) {
    if (row.count == 0 || column.count == 0) return;
    const int64_t lanes = plan_.kernels.lanes;
    InputRowArgs args{};
    args.pixels = static_cast<int>(column.count);
    args.vectors = vectors;
    args.channels = static_cast<int>(std::min(vectors * lanes, conv_.in_channels - vector * lanes));
    args.taps = run.taps;
    args.pixel_bytes = plan_.pixel_bytes;
    args.accumulate = run.first > 0;
    args.result_step = conv_.stride_x * conv_.in_channels;
    if (run.taps == 0) {
      add_rows(row, column, vector, 0, 0, &args);
      return;
    }
    const int64_t unit_bytes = run.taps * vectors * lanes * 4;
    const int64_t row_bytes = unit_bytes * plan_.units;
    const int64_t rows = std::clamp<int64_t>(kWeightBytes / row_bytes, 1, row.taps);
    const int64_t chunks = (row_bytes + kWeightBytes - 1) / kWeightBytes;
    for (int64_t tap = 0; tap < row.taps; tap += rows) {
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const int64_t unit = plan_.units * chunk / chunks;
        args.units = plan_.units * (chunk + 1) / chunks - unit;
        weights_at_ = packed_ + weight_offset + unit * unit_bytes;
        weight_row_bytes_ = row_bytes;
        grad_at_ = copies_ + 4 * unit + (plan_.left + column.start + run.first) * plan_.pixel_bytes;
        add_rows(row, column, vector, tap, std::min(rows, row.taps - tap), &args);
        args.accumulate = true;
      }
    }
  }

 private:
  // Kernel rows [tap, tap + taps) of a phase.
  void add_rows(const Phase& row, const Phase& column, int64_t vector, int64_t tap, int64_t taps,
                InputRowArgs* args) {
    args->grad = grad_;
    args->weights = weights_;
    for (int64_t image = 0; image < images_; ++image) {
      for (int64_t n = 0; n < row.count; ++n) {
        args->segments = 0;
        for (int64_t t = tap; t < tap + taps; ++t) {
          const int64_t y = row.start + n + t;
          if (y < 0 || y >= conv_.out_height) continue;
          grad_[args->segments] = grad_at_ + (image * conv_.out_height + y) * plan_.row_bytes;
          weights_[args->segments++] = weights_at_ + t * weight_row_bytes_;
        }
        if (args->segments == 0 && args->accumulate) continue;
        const int64_t y = (first_ + image) * conv_.height + row.first + n * conv_.stride_y;
        args->result = result_ + (y * conv_.width + column.first) * conv_.in_channels +
                       vector * plan_.kernels.lanes;
        plan_.kernels.input_row(*args);
      }
    }
  }

  const InputPlan& plan_;
  const TrainingConv& conv_;
  const uint8_t* packed_;
  float* result_;
  uint8_t* copies_;
  const uint8_t** grad_;
  const uint8_t** weights_;
  int64_t first_ = 0, images_ = 0;
  const uint8_t* grad_at_ = nullptr;
  const uint8_t* weights_at_ = nullptr;
  int64_t weight_row_bytes_ = 0;
};

}  // namespace

int64_t packed_weight_bytes(const GradientKernels& kernels, const TrainingConv& conv) {
  return InputPlan(kernels, conv).weight_bytes();
}

void pack_weights(const GradientKernels& kernels, const TrainingConv& conv, const float* signs,
                  void* packed) {
  const InputPlan plan(kernels, conv);
  const int64_t filter_values = conv.kernel_y * conv.kernel_x * conv.in_channels;
  plan.for_each_run([&](const Phase& row, const Phase& column, int64_t vector, int vectors,
                        const TapRun& run, int64_t bytes) {
    const int64_t channel = vector * kernels.lanes;
    auto* next = static_cast<uint8_t*>(packed) + bytes;
    for (int64_t tap = 0; tap < row.taps; ++tap) {
      const int64_t y = row.kernel_position(tap, conv.stride_y);
      for (int64_t filter = 0; filter < conv.out_channels; filter += kernels.unit_values) {
        const bool paired = filter + 1 < conv.out_channels;
        for (int64_t t = run.first; t < run.first + run.taps; ++t) {
          const int64_t x = column.kernel_position(t, conv.stride_x);
          const float* const first =
              signs + filter * filter_values + (y * conv.kernel_x + x) * conv.in_channels + channel;
          kernels.pack_channels(first, paired ? first + filter_values : nullptr,
                                conv.in_channels - channel, vectors, next);
          next += vectors * kernels.lanes * 4;
        }
      }
    }
  });
}

int64_t input_gradient_work_bytes(const GradientKernels& kernels, const TrainingConv& conv) {
  WorkSpace work(nullptr);
  uint8_t* copies;
  const uint8_t **grad, **weights;
  InputPlan(kernels, conv).take(work, &copies, &grad, &weights);
  return work.bytes();
}

void input_gradient(const GradientKernels& kernels, const TrainingConv& conv, ImageRange range,
                    const float* grad_out, const void* packed, float* result, void* work) {
  const InputPlan plan(kernels, conv);
  InputWalk walk(plan, packed, result, work);
  for (int64_t image = range.begin; image < range.end; image += plan.group) {
    walk.copy_images(grad_out, image, std::min(plan.group, range.end - image));
    plan.for_each_run(
        [&](const Phase& row, const Phase& column, int64_t vector, int vectors, const TapRun& run,
            int64_t bytes) { walk.add_run(row, column, vector, vectors, run, bytes); });
  }
}

}  // namespace sbnn
