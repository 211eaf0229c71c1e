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
#include "training/generic/pointwise.inl.h"
//
#include "training/generic/normalise.inl.h"
//
#include "training/generic/pool.inl.h"
//
#include "training/generic/channel_lanes.inl.h"
//
#include "training/generic/maxout.inl.h"
//
#include "training/generic/rprelu.inl.h"
}  // namespace passes

}  // namespace

const PointwiseTable kScalarPointwise{passes::pack_signs,     passes::surrogate_gradient,
                                      passes::pool_dots,      passes::unpool,
                                      passes::keep_dots,      passes::normalise,
                                      passes::sum_gradients,  passes::spread_gradients,
                                      passes::rprelu,         passes::rprelu_gradients,
                                      passes::maxout,         passes::maxout_gradients,
                                      passes::add_by_channel, passes::add};

}  // namespace sbnn
