#include "run/ops/simple.h"

namespace sbnn {

SimpleBody simple_body(Op op) {
  switch (op) {
    case Op::kRealConv:
    case Op::kBinaryConv:
      return nullptr;
    case Op::kSignSum:
      return sum_signs;
    case Op::kMeanAbs:
      return mean_magnitudes;
    case Op::kMaxPool:
    case Op::kGlobalMax:
      return largest_of_windows;
    case Op::kAvgPool:
      return average_windows;
    case Op::kGlobalMean:
      return mean_of_all;
    case Op::kIdentity:
      return copy_pixels;
    case Op::kFlatten:
      return flatten;
    case Op::kConcat:
      return concat;
    case Op::kSlice:
      return slice;
    case Op::kUpsample:
      return upsample;
    case Op::kSpaceToDepth:
      return space_to_depth;
    case Op::kDepthToSpace:
      return depth_to_space;
    case Op::kSoftmax:
      return softmax;
    case Op::kL2Normalise:
      return l2_normalise;
  }
  return nullptr;
}

}  // namespace sbnn
