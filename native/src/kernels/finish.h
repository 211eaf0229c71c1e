// What kernels are told that finish the values of an operation: an epilogue in one pass, or a chain
// of any steps. As kernels.h, it holds no function.
#pragma once

#include <cstdint>

#include "format/types.h"

namespace sbnn {

// The activations of an epilogue.
enum class Activation : uint8_t { kNone, kRelu, kHardtanh, kPrelu, kSigmoid, kMaxout };

// One bits tensor an epilogue writes.
struct SignArgs {
  const float* threshold;  // by channel; null where integer_threshold is given
  const int32_t* integer_threshold;
  const uint64_t* flip;    // bits by channel
  uint8_t* const* pixels;  // [runs] address of the first pixel's first bit
  int64_t pixel_bytes;
  int64_t group_channels;  // channels of a group where groups have gaps between them,
  int64_t group_bytes;     // and their bytes; 0 where the channels' bits are contiguous
};

// Pixels that lie equally far apart in everything the epilogue reads and writes.
struct EpilogueRun {
  int64_t pixels;
  const int32_t* values;  // v0 (int32, or float32 in its place) of channel_begin of the first
  const float* shortcut;  // channel 0 of the first; null: no shortcut
  float* real;            // channel 0 of the first, may be where the shortcut is; null: not stored
};

// The common epilogue for channels [channel_begin, channel_begin + channel_count), which begin at a
// multiple of 64. Constants are indexed by channel and readable a whole vector past the end.
struct EpilogueArgs {
  int run_count;
  const EpilogueRun* runs;
  int64_t value_step, shortcut_step, real_step;  // from a run's pixel to the next
  int64_t channel_begin, channel_count;
  bool integer;        // v0 is int32, else float32
  bool wants_real;     // some output needs the real value
  const float* scale;  // null: no affine step
  const float* shift;
  int64_t shortcut_offset, shortcut_channels;
  bool shortcut_repeats;  // channel c reads c mod shortcut_channels
  Activation activation;
  const float* slope;
  const float* positive_slope;
  const float* offset;  // null: none
  int sign_count;
  const SignArgs* signs;
};

// One step of a chain. Constants are indexed by channel.
struct StepArgs {
  StepOp op;
  const float* first;   // scale, value, weighted, slope or low; null where absent
  const float* second;  // shift, positive slope or high
  // [runs] what add, subtract and multiply read, from channel 0 of the pixel that a run's first one
  // meets; and operand_step floats on from a run's pixel to the next.
  const float* const* operand;
  int64_t operand_step;
  int64_t operand_channels;
  int64_t offset;    // the channel that the operand's first one meets; the others meet +0.0
  int64_t repeated;  // if not 0, channel c meets the operand's (c div repeated) mod its channels
  // Of an affine step whose shift depends on the border: [runs] the shifts of a run's row, of which
  // column x has those border_columns[x] floats on.
  const float* const* border_rows;
  const int64_t* border_columns;
};

// An output of a chain: reals, or signs.
struct StoreArgs {
  int after;             // steps
  uint8_t* const* real;  // [runs] channel 0 of the first pixel; null where it is signs
  SignArgs signs;
};

// A chain of steps over the values of some pixels, each of which stays in a register from v0 to the
// last output. Channels and constants are as in EpilogueArgs.
struct ChainArgs {
  int run_count;
  const EpilogueRun* runs;  // their pixels and values
  int64_t first_column;     // of the first run; the others begin at column 0
  int64_t value_step, real_step;
  int64_t channel_begin, channel_count;
  bool integer;
  int step_count;
  const StepArgs* steps;
  int store_count;
  const StoreArgs* stores;  // by `after`
};

}  // namespace sbnn
