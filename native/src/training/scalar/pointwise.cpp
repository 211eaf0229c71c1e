#include "training/pointwise.h"

#include "kernels/scalar/vector.h"

namespace sbnn {
namespace {

struct TrainingVec : Vec {
  static Floats load_shorts(const int16_t* p) {
    return each([&](int i) { return static_cast<float>(p[i]); });
  }
  static void store_shorts(int16_t* p, const Floats& v) {
    for (int i = 0; i < kFloatLanes; ++i) p[i] = static_cast<int16_t>(v.lane[i]);
  }
};

namespace passes {
using Vec = TrainingVec;
#include "training/generic/pointwise_table.inl.h"
}  // namespace passes

}  // namespace

const PointwiseTable kScalarPointwise = passes::make_pointwise();

}  // namespace sbnn
