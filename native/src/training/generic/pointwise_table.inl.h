// The passes over values, instantiated for the vocabulary `Vec` of the including translation unit,
// within a namespace that has internal linkage.

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

constexpr PointwiseTable make_pointwise() {
  return {pack_signs, surrogate_gradient, pool_dots,        unpool, keep_dots,
          normalise,  sum_gradients,      spread_gradients, rprelu, rprelu_gradients,
          maxout,     maxout_gradients,   add_by_channel,   add};
}
