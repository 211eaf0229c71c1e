// What every instruction set provides: one table of functions over plain structs.
//
// The arithmetic is docs/format.md's. Each output is computed by one sequential chain; vectors run
// over outputs (filters, channels), never over a reduction, so every table gives the same bits.
//
// This header is included where wide instructions are enabled, so it holds no function that a
// linker could share between translation units.
#pragma once

#include <cstddef>
#include <cstdint>

#include "format/types.h"
#include "kernels/finish.h"

namespace sbnn {

// A layer's filters are cut into blocks of at most kBlockFilters that share a group; the epilogue
// runs after each. 64 filters are one word of signs.
constexpr int kBlockFilters = 64;

// A block's filters of a real convolution are cut into register tiles of 4, 2 or 1 vectors, widest
// first. Weights are stored tile by tile, in each tile tap by tap, in each tap lane by lane.
static inline int tile_vectors(int remaining_vectors, int max_vectors) {
  int vectors = max_vectors;
  while (vectors > remaining_vectors) vectors /= 2;
  return vectors;
}

// Dots of `pixels` windows with the `filters` filters of one block.
//
// Signs are bits, 1 = negative. Two signs multiply to -1 exactly where their bits differ, so over K
// taps: dot = (K - differing) - differing = K - 2·popcount(a XOR w).
//
// The input has a border of 0 bits, which count as +1. A tap in the border must add nothing, but
// adds w; so D = full dot - Σ w over the missing taps, and `base` holds K - Σ w for each filter and
// border pattern: D = base - 2·popcount. Exact for every shape. (Where such taps count as +1 or -1,
// `base` holds K or K - 2·Σ w.)
//
// A window's bits are 32-bit words, loaded from any byte address, and hold nothing else. Most of
// them come in triples: words at first, first + second and first + 2·second bytes from the window's
// address. The third is never read; instead, `triple_xor` bytes from the first lies the xor of all
// three, which xor_triples wrote. Words that are left over are singles.
//
// Weights are stored vector by vector of filters; in each, step by step, in each step lane by lane.
// A triple's steps are its first word, its second and the xor of all three.
//
// Tables that want words side by side read a triple from one place: of the word at address A, at
// 3·A + triple_xor, its first word, the xor of its first two and the xor of all three. Such words
// lie a multiple of four bytes apart. The weights' steps are the first word, the xor of the first
// two and the complement of the xor of all three.
//
// Tables that look differing bits up have no triples. Their weights are bytes, each of four bits of
// a filter: a word has eight steps, for the lower four bits of its bytes, then for the upper four.
struct BinaryDotArgs {
  int pixels;
  int filters;
  int triples;
  int singles;
  const int64_t* offsets;  // [triples + singles] bytes from a window's address to the first word
  int64_t second;          // not read where words are side by side
  int64_t triple_xor;
  const uint32_t* weights;        // aligned
  const uint8_t* const* windows;  // [pixels] address of the window's first bit
  const int32_t* const* base;     // [pixels] row of `base` for the pixel's border pattern
  int64_t first_filter;           // of the block, in the rows of `base`
  int32_t* dots;                  // [pixels][dots_step]; whole vectors are written
  int64_t dots_step;
};

// The epilogue of the same dots, finished while they are in registers: affine step, shortcut,
// activation, real and one tensor of signs. For blocks of whole vectors of filters; reals are
// float32 of `step` channels whose pixels follow each other from row to row.
//
// A maxout has all of slope, positive_slope and offset, and a shortcut of its own: of
// shortcut_channels, whole vectors of them, that repeat. The other activations do without.
struct FinishDotsArgs {
  const float* scale;  // constants by channel; null where only the dots' signs are asked for
  const float* shift;
  Activation activation;  // none, hardtanh, prelu or maxout
  const float* slope;
  const float* positive_slope;
  const float* offset;
  const float* shortcut;  // channel 0 of the first pixel; null: no shortcut
  int64_t shortcut_channels;
  float* real;  // the same, may be where the shortcut is; null: not stored
  int64_t step;
  const float* threshold;
  const int32_t* integer_threshold;  // not null where only the dots' signs are asked for
  const uint64_t* flip;
  uint8_t* const* signs;  // [pixels] address of the first bit; null: none
};

// A real convolution whose windows are runs of floats, or of int16, in memory. A step is four
// bytes: one float, or a pair of int16. Sums are
//   real_conv:  acc = +0.0; acc = fma(x, w, acc) over the taps, in order: segments, then steps;
//   pixel_conv: Σ x0·w0 + x1·w1 modulo 2^32, in any order.
// A pixel_conv may be a fast convolution F(2, 2) of one or two levels. Its windows then have three
// tracks for each level, sums a, b, c of different data with different weights, and make two
// neighbouring outputs of them, a + b and b + c. With two levels a track of the first is such a
// pair in turn: tracks 0 to 2 make a, and so on; of window i, pairs[k] yield outputs 4·i + 2·k,
// + 1.
// Where a table's pixel_bytes are 1, windows are of bytes instead, pixels less 128, four per step,
// and there is one track. Of a filter's words the first is 128 · Σ w, and each step has two: the
// upper and the lower bytes of four weights, w = 256 · upper + lower, both signed.
struct ConvTrack {
  int64_t shift;       // bytes added to every window
  int steps;           // of each segment
  int64_t first_step;  // steps of all segments of the tracks before
};

struct RealConvArgs {
  int windows;
  int filters;
  int segments;
  const int64_t* offsets;        // [segments] bytes from the window's address
  int levels;                    // 0 for real_conv
  const ConvTrack* tracks;       // [3^levels]
  int64_t steps;                 // of all tracks and segments; of bytes the words of a filter
  const void* weights;           // tiles, see above, in each track by track; aligned
  const uint8_t* const* window;  // [windows]
  int64_t window_shift;          // bytes added to every window: the group's first channel
  void* sums;                    // [windows · 2^levels][sums_step]; whole vectors are written
  int64_t sums_step;
};

// result[c] = maximum of rows[r·step + c] over the rows, and of result[c] itself where `fold`.
struct MaxDotsArgs {
  const int32_t* rows;
  int count;
  int64_t step;
  int64_t channels;
  bool fold;
  int32_t* result;  // whole vectors are written
};

// Pooled pixels that lie side by side: the taps of number i are first[i·window_step +
// row·row_step + column·column_step + channel], and its result is result[i·result_step + channel].
struct PoolArgs {
  const float* first;  // of max_sums: int32 in its place
  int64_t rows, columns;
  int64_t row_step, column_step;  // floats
  int64_t windows;
  int64_t window_step, result_step;
  int64_t channels;
  float divisor;
  // For the maxima, by channel, or null: the bits to be flipped before values are compared. All
  // bits of an int32, or the sign of a float32, turn its order round, so that minima come out.
  const uint32_t* order;
  float* result;  // whole vectors are written
};

// sums[row·sums_step + channel] = +0.0 + the row's values from left to right.
struct RowSumsArgs {
  const float* first;
  int64_t rows, columns;
  int64_t row_step, column_step;  // floats
  int64_t channels;
  float* sums;  // whole vectors are written
  int64_t sums_step;
};

// sums[column·groups + g] = the signs of group g of a column's pixels, summed over the rows.
struct SignSumsArgs {
  const uint8_t* first;  // its pixel's first bit
  int64_t rows, columns;
  int64_t row_step, column_step;  // bytes
  int64_t groups;
  int64_t group_bytes, group_channels;
  int32_t* sums;
};

// result[pixel·result_step] = Σ |x| over a pixel's channels, ascending, from +0.0, / divisor.
struct MeanAbsArgs {
  const float* first;
  int64_t pixels;
  int64_t channels;  // from a pixel to the next, too
  float divisor;
  float* result;
  int64_t result_step;
};

struct KernelTable {
  const char* isa;
  int word_lanes;        // filters in a vector of binary_dot
  int float_lanes;       // filters in a vector of real_conv
  int max_tile_vectors;  // of real_conv
  int pixel_bytes;       // of a value in the windows of pixel_conv: 2, or 1
  bool side_by_side;     // what xor_triples writes: see BinaryDotArgs
  bool looks_up;         // how binary_dot counts: see BinaryDotArgs
  void (*binary_dot)(const BinaryDotArgs&);
  void (*finish_dots)(const BinaryDotArgs&, const FinishDotsArgs&);  // null: there is none
  // xors[i] = words[i] ^ words[i + distance] ^ words[i + 2·distance] for each of `bytes` bytes and
  // on to the end of a vector; or side by side, three words at 3·i for the word at i. Null: there
  // are no triples.
  void (*xor_triples)(const uint8_t* words, int64_t distance, int64_t bytes, uint8_t* xors);
  void (*real_conv)(const RealConvArgs&);
  void (*pixel_conv)(const RealConvArgs&);
  void (*max_dots)(const MaxDotsArgs&);
  void (*max_pool)(const PoolArgs&);
  void (*max_sums)(const PoolArgs&);  // of int32
  void (*avg_pool)(const PoolArgs&);
  void (*row_sums)(const RowSumsArgs&);
  void (*sign_sums)(const SignSumsArgs&);
  void (*mean_abs)(const MeanAbsArgs&);
  void (*epilogue)(const EpilogueArgs&);
  void (*chain)(const ChainArgs&);
  void (*exponentials)(float* values, int64_t count);  // in place; whole vectors are written
  // Loops over registers alone, which show the most that a core can do: plain xor + count + add of
  // signs, and fused multiply-adds. Both return the multiply-adds done and write a vector of
  // results, so that no compiler leaves them out; real_limit reads its two factors there.
  int64_t (*binary_limit)(int64_t rounds, int32_t* counts);  // fewer than 2^20 rounds
  int64_t (*real_limit)(int64_t rounds, float* sums);
};

extern const KernelTable kScalarKernels;
#if defined(SIGNBIT_X86_KERNELS)
extern const KernelTable kAvx2Kernels;
extern const KernelTable kAvx512bwKernels;
extern const KernelTable kAvx512vpopcntKernels;
#elif defined(SIGNBIT_ARM_KERNELS)
extern const KernelTable kNeonKernels;
extern const KernelTable kNeonDotKernels;
#elif defined(SIGNBIT_WASM_KERNELS)
extern const KernelTable kWasmKernels;
#endif

}  // namespace sbnn
