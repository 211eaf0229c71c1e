// How the gradient of a convolution's input is cut into runs of a register tile's work: phases of
// the stride, tiles of channels, neighbouring taps. Weights are packed in the order of the runs.
//
// Input pixel i of an axis is reached through kernel position k by output o where
// i + padding = o·stride + k. So the pixels of one phase f = (i + padding) mod stride meet the taps
// k = f + stride·t alone, at outputs j - t with j = (i + padding - f) / stride: each phase is a
// convolution of its own, of stride 1, and nothing is multiplied by the zeros of a dilated
// gradient.
#pragma once

#include <algorithm>
#include <cstdint>

#include "training/gradients/gradient_kernels.h"
#include "training/training.h"

namespace sbnn {

// Pixels of one phase of an axis: the first, then every `stride`. Taps are in the order of the
// outputs that they read: those of pixel number n are outputs start + n onward.
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

// The pixels of a row phase and a column phase, a tile of vectors of channels, and a few
// neighbouring taps of each kernel row; none where the phases have no tap in common.
struct InputRun {
  Phase row, column;
  int64_t vector;
  int vectors;
  int64_t tap;
  int taps;
  int64_t weights;  // bytes packed before this run's: kernel row by row, unit by unit, tap by tap
};

struct InputPlan {
  const GradientKernels& kernels;
  const TrainingConv& conv;
  int64_t units, vectors, max_vectors;
  int64_t left = 0;                // columns of zeros before those of the gradient's copy
  int64_t pixel_bytes, row_bytes;  // of the copy
  int64_t group;                   // images copied at once

  InputPlan(const GradientKernels& kernels, const TrainingConv& conv);

  int64_t image_bytes() const { return conv.out_height * row_bytes; }
  int64_t weight_bytes() const {
    return conv.kernel_y * conv.kernel_x * units * vectors * vector_bytes();
  }
  int64_t vector_bytes() const { return int64_t{4} * kernels.lanes; }

  // Calls each(InputRun). Runs of the same pixels and channels follow each other.
  template <typename Function>
  void for_each_run(Function each) const {
    int64_t weights = 0;
    for (int64_t y = 0; y < conv.stride_y; ++y) {
      for (int64_t x = 0; x < conv.stride_x; ++x) {
        InputRun run{row_phase(y), column_phase(x), 0, 0, 0, 0, 0};
        const int64_t taps = run.row.taps == 0 ? 0 : run.column.taps;
        const int64_t pieces = std::max<int64_t>((taps + kMaxTapRun - 1) / kMaxTapRun, 1);
        for (run.vector = 0; run.vector < vectors; run.vector += run.vectors) {
          run.vectors = tile_of(vectors - run.vector);
          for (int64_t piece = 0; piece < pieces; ++piece) {
            run.tap = taps * piece / pieces;
            run.taps = static_cast<int>(taps * (piece + 1) / pieces - run.tap);
            run.weights = weights;
            each(run);
            weights += run.row.taps * run.taps * units * run.vectors * vector_bytes();
          }
        }
      }
    }
  }

 private:
  Phase row_phase(int64_t f) const {
    return Phase(f, conv.height, conv.kernel_y, conv.stride_y, conv.padding_y);
  }
  Phase column_phase(int64_t f) const {
    return Phase(f, conv.width, conv.kernel_x, conv.stride_x, conv.padding_x);
  }
  int tile_of(int64_t remaining) const {
    int64_t tile = max_vectors;
    while (tile > remaining) tile /= 2;
    return static_cast<int>(tile);
  }
};

}  // namespace sbnn
