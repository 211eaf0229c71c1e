// Made of operations.toml by `python -m signbit.bitformat.generate`: its rows, for table.cpp.
// Change the table, not this file.
// clang-format off

constexpr const char* kPadSignChoices[] = {"none", "positive", "negative", nullptr};

constexpr const char* kRepeatChoices[] = {"none", "tile", "each", nullptr};

constexpr KeyRow kKeyRows[] = {
    {"kernel", KeyType::kPair, false, 1, 16384, {1, 1}, nullptr, ConstantShape::kNone},
    {"stride", KeyType::kPair, false, 1, 16384, {1, 1}, nullptr, ConstantShape::kNone},
    {"padding", KeyType::kSides, false, 0, 16384, {0, 0, 0, 0}, nullptr, ConstantShape::kNone},
    {"dilation", KeyType::kPair, false, 1, 16384, {1, 1}, nullptr, ConstantShape::kNone},
    {"groups", KeyType::kInteger, false, 1, 65536, {1}, nullptr, ConstantShape::kNone},
    {"ceil", KeyType::kFlag, false, 0, 0, {0}, nullptr, ConstantShape::kNone},
    {"count_padding", KeyType::kFlag, false, 0, 0, {0}, nullptr, ConstantShape::kNone},
    {"pad_sign", KeyType::kChoice, false, 0, 0, {0}, kPadSignChoices, ConstantShape::kNone},
    {"pool_kernel", KeyType::kPair, false, 1, 16384, {1, 1}, nullptr, ConstantShape::kNone},
    {"pool_stride", KeyType::kPair, false, 1, 16384, {1, 1}, nullptr, ConstantShape::kNone},
    {"copies", KeyType::kInteger, false, 1, 65536, {1}, nullptr, ConstantShape::kNone},
    {"weight", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kFilters},
    {"pad_value", KeyType::kConstant, false, 0, 0, {-1}, nullptr, ConstantShape::kInputChannels},
    {"first", KeyType::kInteger, false, 0, 65536, {0}, nullptr, ConstantShape::kNone},
    {"count", KeyType::kInteger, true, 1, 65536, {0}, nullptr, ConstantShape::kNone},
    {"rows", KeyType::kInteger, true, 1, 16384, {0}, nullptr, ConstantShape::kNone},
    {"factor", KeyType::kPair, true, 1, 16384, {0}, nullptr, ConstantShape::kNone},
    {"block", KeyType::kInteger, true, 1, 16384, {0}, nullptr, ConstantShape::kNone},
    {"epsilon", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kOne},
    {"whole_pixels", KeyType::kFlag, false, 0, 0, {0}, nullptr, ConstantShape::kNone},
    {"over_pixels", KeyType::kFlag, false, 0, 0, {0}, nullptr, ConstantShape::kNone},
    {"scale", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kChannels},
    {"shift", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kShift},
    {"row_taps", KeyType::kTaps, false, 0, 0, {}, nullptr, ConstantShape::kNone},
    {"column_taps", KeyType::kTaps, false, 0, 0, {}, nullptr, ConstantShape::kNone},
    {"input", KeyType::kOperand, true, 0, 0, {0}, nullptr, ConstantShape::kNone},
    {"every", KeyType::kPair, false, 0, 16384, {1, 1}, nullptr, ConstantShape::kNone},
    {"offset", KeyType::kInteger, false, 0, 65536, {0}, nullptr, ConstantShape::kNone},
    {"repeat", KeyType::kChoice, false, 0, 0, {0}, kRepeatChoices, ConstantShape::kNone},
    {"weighted", KeyType::kConstant, false, 0, 0, {-1}, nullptr, ConstantShape::kChannels},
    {"slope", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kChannels},
    {"positive_slope", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kChannels},
    {"low", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kChannels},
    {"high", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kChannels},
    {"value", KeyType::kConstant, true, 0, 0, {-1}, nullptr, ConstantShape::kChannels},
};

constexpr Key kRealConvKeys[] = {Key::kKernel, Key::kStride, Key::kPadding, Key::kDilation,
    Key::kGroups, Key::kWeight, Key::kPadValue};
constexpr DTypes kRealConvDTypes[] = {0, 0, 0, 0, 0, bit(DType::kF32) | bit(DType::kI16) |
    bit(DType::kU64), bit(DType::kF32) | bit(DType::kU8)};

constexpr Key kBinaryConvKeys[] = {Key::kKernel, Key::kStride, Key::kPadding, Key::kDilation,
    Key::kGroups, Key::kPadSign, Key::kPoolKernel, Key::kPoolStride, Key::kCopies, Key::kWeight};
constexpr DTypes kBinaryConvDTypes[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, bit(DType::kU64)};

constexpr Key kSignSumKeys[] = {Key::kKernel, Key::kStride, Key::kPadding, Key::kDilation,
    Key::kGroups};
constexpr DTypes kSignSumDTypes[] = {0, 0, 0, 0, 0};

constexpr Key kMaxPoolKeys[] = {Key::kKernel, Key::kStride, Key::kPadding, Key::kDilation,
    Key::kCeil};
constexpr DTypes kMaxPoolDTypes[] = {0, 0, 0, 0, 0};

constexpr Key kAvgPoolKeys[] = {Key::kKernel, Key::kStride, Key::kPadding, Key::kCeil,
    Key::kCountPadding};
constexpr DTypes kAvgPoolDTypes[] = {0, 0, 0, 0, 0};

constexpr Key kSliceKeys[] = {Key::kFirst, Key::kCount};
constexpr DTypes kSliceDTypes[] = {0, 0};

constexpr Key kUpsampleKeys[] = {Key::kFactor};
constexpr DTypes kUpsampleDTypes[] = {0};

constexpr Key kSpaceToDepthKeys[] = {Key::kBlock};
constexpr DTypes kSpaceToDepthDTypes[] = {0};

constexpr Key kDepthToSpaceKeys[] = {Key::kBlock};
constexpr DTypes kDepthToSpaceDTypes[] = {0};

constexpr Key kChannelShuffleKeys[] = {Key::kGroups};
constexpr DTypes kChannelShuffleDTypes[] = {0};

constexpr Key kTransposeKeys[] = {Key::kWholePixels};
constexpr DTypes kTransposeDTypes[] = {0};

constexpr Key kReshapeKeys[] = {Key::kRows, Key::kCount};
constexpr DTypes kReshapeDTypes[] = {0, 0};

constexpr Key kL2NormaliseKeys[] = {Key::kEpsilon};
constexpr DTypes kL2NormaliseDTypes[] = {bit(DType::kF32)};

constexpr Key kLayerNormKeys[] = {Key::kEpsilon};
constexpr DTypes kLayerNormDTypes[] = {bit(DType::kF32)};

constexpr Key kMatmulKeys[] = {Key::kOverPixels};
constexpr DTypes kMatmulDTypes[] = {0};

constexpr OperationRow kOperationRows[] = {
    {"real_conv", {bit(Kind::kImage) | bit(Kind::kReal) | bit(Kind::kBits)}, 1, false,
     kRealConvKeys, 7, kRealConvDTypes, ShapeRule::kConvolution, Yields::kReal, Reads::kTaps},
    {"binary_conv", {bit(Kind::kBits)}, 1, false, kBinaryConvKeys, 10, kBinaryConvDTypes,
     ShapeRule::kConvolution, Yields::kInteger, Reads::kTaps},
    {"sign_sum", {bit(Kind::kBits)}, 1, false, kSignSumKeys, 5, kSignSumDTypes, ShapeRule::kSums,
     Yields::kReal, Reads::kTaps},
    {"mean_abs", {bit(Kind::kReal)}, 1, false, nullptr, 0, nullptr, ShapeRule::kOneChannel,
     Yields::kReal, Reads::kChannels},
    {"max_pool", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, kMaxPoolKeys, 5, kMaxPoolDTypes,
     ShapeRule::kWindow, Yields::kInput, Reads::kWindow},
    {"avg_pool", {bit(Kind::kReal)}, 1, false, kAvgPoolKeys, 5, kAvgPoolDTypes, ShapeRule::kWindow,
     Yields::kReal, Reads::kWindow},
    {"global_mean", {bit(Kind::kReal)}, 1, false, nullptr, 0, nullptr, ShapeRule::kOnePixel,
     Yields::kReal, Reads::kPixels},
    {"global_max", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, nullptr, 0, nullptr,
     ShapeRule::kOnePixel, Yields::kInput, Reads::kPixels},
    {"identity", {bit(Kind::kImage) | bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, nullptr, 0,
     nullptr, ShapeRule::kSame, Yields::kInput, Reads::kOne},
    {"flatten", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, nullptr, 0, nullptr,
     ShapeRule::kFlat, Yields::kInput, Reads::kOne},
    {"concat", {bit(Kind::kReal) | bit(Kind::kBits), bit(Kind::kReal) | bit(Kind::kBits)}, 2, true,
     nullptr, 0, nullptr, ShapeRule::kConcat, Yields::kInput, Reads::kOne},
    {"slice", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, kSliceKeys, 2, kSliceDTypes,
     ShapeRule::kSlice, Yields::kInput, Reads::kOne},
    {"upsample", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, kUpsampleKeys, 1, kUpsampleDTypes,
     ShapeRule::kUpsample, Yields::kInput, Reads::kOne},
    {"space_to_depth", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, kSpaceToDepthKeys, 1,
     kSpaceToDepthDTypes, ShapeRule::kSpaceToDepth, Yields::kInput, Reads::kOne},
    {"depth_to_space", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, kDepthToSpaceKeys, 1,
     kDepthToSpaceDTypes, ShapeRule::kDepthToSpace, Yields::kInput, Reads::kOne},
    {"channel_shuffle", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, kChannelShuffleKeys, 1,
     kChannelShuffleDTypes, ShapeRule::kSame, Yields::kInput, Reads::kOne},
    {"transpose", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, kTransposeKeys, 1,
     kTransposeDTypes, ShapeRule::kTransposed, Yields::kInput, Reads::kOne},
    {"reshape", {bit(Kind::kReal) | bit(Kind::kBits)}, 1, false, kReshapeKeys, 2, kReshapeDTypes,
     ShapeRule::kReshaped, Yields::kInput, Reads::kOne},
    {"softmax", {bit(Kind::kReal)}, 1, false, nullptr, 0, nullptr, ShapeRule::kSame, Yields::kReal,
     Reads::kOne},
    {"l2_normalise", {bit(Kind::kReal)}, 1, false, kL2NormaliseKeys, 1, kL2NormaliseDTypes,
     ShapeRule::kSame, Yields::kReal, Reads::kOne},
    {"layer_norm", {bit(Kind::kReal)}, 1, false, kLayerNormKeys, 1, kLayerNormDTypes,
     ShapeRule::kSame, Yields::kReal, Reads::kChannels},
    {"matmul", {bit(Kind::kReal) | bit(Kind::kBits), bit(Kind::kReal) | bit(Kind::kBits)}, 2, false,
     kMatmulKeys, 1, kMatmulDTypes, ShapeRule::kProduct, Yields::kReal, Reads::kProducts},
};

constexpr Key kAffineKeys[] = {Key::kScale, Key::kShift, Key::kRowTaps, Key::kColumnTaps};

constexpr Key kOffsetKeys[] = {Key::kValue};

constexpr Key kAddKeys[] = {Key::kInput, Key::kEvery, Key::kOffset, Key::kRepeat, Key::kWeighted};

constexpr Key kSubtractKeys[] = {Key::kInput, Key::kEvery, Key::kOffset, Key::kRepeat};

constexpr Key kMultiplyKeys[] = {Key::kInput, Key::kEvery, Key::kOffset, Key::kRepeat};

constexpr Key kClipKeys[] = {Key::kLow, Key::kHigh};

constexpr Key kPreluKeys[] = {Key::kSlope};

constexpr Key kMaxoutKeys[] = {Key::kSlope, Key::kPositiveSlope};

constexpr StepRow kStepRows[] = {
    {"affine", kAffineKeys, 4},
    {"offset", kOffsetKeys, 1},
    {"add", kAddKeys, 5},
    {"subtract", kSubtractKeys, 4},
    {"multiply", kMultiplyKeys, 4},
    {"relu", nullptr, 0},
    {"hardtanh", nullptr, 0},
    {"clip", kClipKeys, 2},
    {"prelu", kPreluKeys, 1},
    {"maxout", kMaxoutKeys, 2},
    {"sigmoid", nullptr, 0},
    {"hard_sigmoid", nullptr, 0},
    {"hardswish", nullptr, 0},
    {"silu", nullptr, 0},
    {"gelu", nullptr, 0},
    {"tanh", nullptr, 0},
};

// clang-format on
