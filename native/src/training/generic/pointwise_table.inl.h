// The passes over values, instantiated for the vocabulary `Vec` of the including translation unit,
// within a namespace that has internal linkage.

#include "training/generic/pointwise.inl.h"
//
#include "training/generic/channel_lanes.inl.h"
//
#include "training/generic/depthwise.inl.h"
//
#include "training/generic/finish_dots.inl.h"
//
#include "training/generic/maps.inl.h"
//
#include "training/generic/normalise.inl.h"
//
#include "training/generic/nonlinearities.inl.h"
//
#include "training/generic/pool.inl.h"

template <typename Kept>
constexpr NormPasses<Kept> make_norm_passes() {
  return {normalise<Kept>, sum_gradients<Kept>, spread_gradients<Kept>};
}

constexpr PointwiseTable make_pointwise() {
  return {pack_signs,
          surrogate_gradient,
          finish_dots,
          expand_signs,
          depthwise,
          depthwise_input,
          depthwise_weights,
          pool_dots,
          unpool,
          keep_dots,
          sum_reals,
          make_norm_passes<int16_t>(),
          make_norm_passes<float>(),
          rprelu,
          rprelu_gradients,
          maxout,
          maxout_gradients,
          times_map_gradients,
          add_by_sign,
          add_by_channel,
          add};
}
