// The words of docs/format.md as types, and the limits a reader holds a file to.
//
// The namespace is sbnn, as the C library's <math.h> already has a `signbit`.
#pragma once

#include <cstdint>

namespace sbnn {

constexpr int64_t kFormatVersion = 3;  // the newest that is known
constexpr int64_t kMaxHeaderBytes = 100'000'000;
constexpr int64_t kMaxItems = 65'536;     // nodes; tensors of the graph; tensors of the file
constexpr int64_t kMaxSize = 16'384;      // height, width, kernel, stride, dilation, padding
constexpr int64_t kMaxChannels = 65'536;  // also groups
constexpr int64_t kMaxElements = int64_t{1} << 30;    // of one tensor of the graph
constexpr int64_t kMaxTaps = (int64_t{1} << 24) - 1;  // of one binary dot: exact in float32
constexpr int64_t kMaxPixel = 255;
constexpr int64_t kMaxPixelWeight = 8191;            // so that four weights add up in int16
constexpr int64_t kMaxWorkBytes = int64_t{1} << 34;  // what one engine may ask for

enum class Kind : uint8_t { kImage, kReal, kBits };
enum class Op : uint8_t {
  kRealConv,
  kBinaryConv,
  kMaxPool,
  kAvgPool,
  kGlobalMean,
  kPointwise,
  kSignSum,
  kMeanAbs
};
enum class Activation : uint8_t { kNone, kRelu, kHardtanh, kPrelu, kSigmoid, kMaxout };
enum class DType : uint8_t { kU64, kF32, kI32, kI16, kU8 };

// [vertical, horizontal], as everywhere in the file.
struct Pair {
  int64_t y = 0;
  int64_t x = 0;
};

// Windows that fit along one axis; zero or negative where the window is too large.
constexpr int64_t output_size(int64_t size, int64_t kernel, int64_t stride, int64_t padding = 0,
                              int64_t dilation = 1) {
  const int64_t room = size + 2 * padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace sbnn
