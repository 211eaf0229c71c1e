// Made of operations.toml by `python -m signbit.bitformat.generate`: its names and limits.
// Change the table, not this file.
#pragma once

#include <cstddef>
#include <cstdint>

// clang-format off

namespace sbnn {

constexpr int64_t kMaxItems = 65536;
constexpr int64_t kMaxSize = 16384;
constexpr int64_t kMaxChannels = 65536;
constexpr int64_t kMaxElements = 1073741824;
constexpr int64_t kMaxTaps = 16777215;
constexpr int64_t kMaxSteps = 64;
constexpr int64_t kMaxOutputs = 64;
constexpr int64_t kMaxOperands = 64;

enum class Op : uint8_t { kRealConv, kBinaryConv, kSignSum, kMeanAbs, kMaxPool, kAvgPool,
    kGlobalMean, kGlobalMax, kIdentity, kFlatten, kConcat, kSlice, kUpsample, kSpaceToDepth,
    kDepthToSpace, kChannelShuffle, kTranspose, kReshape, kSoftmax, kL2Normalise, kLayerNorm,
    kMatmul };

enum class StepOp : uint8_t { kAffine, kOffset, kAdd, kSubtract, kMultiply, kRelu, kHardtanh, kClip,
    kPrelu, kMaxout, kSigmoid, kHardSigmoid, kHardswish, kSilu, kGelu, kTanh };

enum class Key : uint8_t { kKernel, kStride, kPadding, kDilation, kGroups, kCeil, kCountPadding,
    kPadSign, kPoolKernel, kPoolStride, kCopies, kWeight, kPadValue, kFirst, kCount, kRows, kFactor,
    kBlock, kEpsilon, kWholePixels, kOverPixels, kScale, kShift, kRowTaps, kColumnTaps, kInput,
    kEvery, kOffset, kRepeat, kWeighted, kSlope, kPositiveSlope, kLow, kHigh, kValue };
constexpr size_t kKeyCount = 35;

enum class ShapeRule : uint8_t { kConvolution, kSums, kOneChannel, kWindow, kOnePixel, kSame, kFlat,
    kConcat, kSlice, kUpsample, kSpaceToDepth, kDepthToSpace, kTransposed, kReshaped, kProduct };

enum class ConstantShape : uint8_t { kNone, kFilters, kInputChannels, kOne, kChannels, kShift };

enum class Yields : uint8_t { kReal, kInteger, kInput };

enum class Reads : uint8_t { kOne, kTaps, kChannels, kWindow, kPixels, kProducts };

enum class PadSign : uint8_t { kNone, kPositive, kNegative };

enum class Repeat : uint8_t { kNone, kTile, kEach };

}  // namespace sbnn

// clang-format on
