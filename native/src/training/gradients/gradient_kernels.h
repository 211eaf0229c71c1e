// What an instruction set provides for the gradients: the innermost loops, over plain structs.
//
// Factors come in units of four bytes: one float32, or a pair of bfloat16. A unit of a gradient is
// broadcast; of signs there is one in each lane, lanes being input channels. A step multiplies them
// and adds the product, or the pair's two products, to float32 sums.
//
// This header is included where wide instructions are enabled, so it holds no function that a
// linker could share between translation units.
#pragma once

#include <cstdint>

namespace sbnn {

constexpr int kMaxTapRun = 3;   // neighbouring taps of a row that a register tile takes at once
constexpr int kMaxColumns = 3;  // vectors of signs that a register tile takes at once

// Sums for one row of pixels of the input's gradient, `vectors` vectors of channels each:
//   result[p] = Σ over rows r, units u and taps t of grad[r][p + t][u] · weights[r][u][t]
// where taps are neighbouring pixels of the bordered gradient.
struct InputRowArgs {
  int pixels;
  int vectors;   // 1, 2 or 4, at most 2 · GradientKernels::vectors
  int channels;  // of the vectors' lanes, as many exist
  int taps;      // 1 to kMaxTapRun
  int rows;      // 0: the sums are 0
  int64_t units;
  const uint8_t* grad;  // the first pixel's first tap
  int64_t row_bytes;    // from a row to the next
  int64_t pixel_bytes;
  const uint8_t* weights;  // [rows][units][taps][vectors · lanes] units
  int64_t weight_row_bytes;
  bool accumulate;  // add to what `result` holds
  float* result;
  int64_t result_step;  // floats from a pixel to the next
};

// Sums for `filters` filters and `columns` vectors of input channels, one tap each, added to
// `result`: Σ over rows and steps of grad[row][step][filter] · signs[column][row][step].
struct WeightTileArgs {
  int filters;  // at most filter_tile
  int columns;  // 1 to kMaxColumns
  int64_t rows;
  const int64_t* grad_rows;     // [rows] bytes from `grad`
  const int64_t* sign_rows;     // [rows] bytes from each of `signs`
  int64_t steps;                // of a row
  const uint8_t* grad;          // [steps][filter_tile] units; 0 beyond the filters
  const uint8_t* const* signs;  // [columns]
  int64_t sign_step;            // bytes from a step to the next
  float* const* result;         // [columns] of the first filter
  const int* channels;          // [columns] of a vector's lanes, as many exist
  int64_t filter_step;          // floats from a filter to the next
};

// One row of bits as units of signs, for one vector of channels. Unit number i holds column
// first + i, and in a pair's second half column first + i + pair_distance; 0 outside of the image.
struct SignRowArgs {
  const uint8_t* bits;   // the vector's first byte of column 0
  int64_t pixel_bytes;   // from a column to the next; fewer than a vector's: the others are 0
  int64_t width;         // of the image
  int64_t first, count;  // columns
  int64_t pair_distance;
  uint8_t* target;
};

struct GradientKernels {
  const char* isa;
  int lanes;        // channels of a vector
  int unit_values;  // 1 float32 or 2 bfloat16
  int vectors;      // of an input tile of eight pixels; twice as many of one of four
  int filter_tile;
  void (*input_row)(const InputRowArgs&);
  void (*weight_tile)(const WeightTileArgs&);
  void (*expand_signs)(const SignRowArgs&);
  // Pixels of a gradient as units, pairs being channels; pixels lie pixel_bytes apart. An odd
  // channel's pair has a 0.
  void (*copy_pixels)(const float* grad, int64_t pixels, int64_t channels, int64_t pixel_bytes,
                      uint8_t* target);
  // The same as units of filter_tile filters, pairs being neighbouring pixels: tile by tile,
  // tile_bytes apart, in each step by step. What is missing of a tile or of a pair is 0.
  void (*copy_filters)(const float* grad, int64_t pixels, int64_t channels, int64_t tile_bytes,
                       uint8_t* target);
  // Weights of `channels` channels as `vectors` vectors of units, 0 beyond; pairs are of a filter
  // and of the next, which may be null: then it is 0.
  void (*pack_channels)(const float* filter, const float* next_filter, int64_t channels,
                        int vectors, uint8_t* target);
};

extern const GradientKernels kScalarGradients;
#if defined(SIGNBIT_X86_KERNELS)
extern const GradientKernels kAvx2Gradients;
extern const GradientKernels kAvx512Gradients;
extern const GradientKernels kAvx512Bf16Gradients;
#endif

}  // namespace sbnn
