// Passes over activations in training, one table of functions per instruction set. Activations are
// float32, NHWC; constants are by channel. "Signs" are bits as in BitsLayout, 1 = negative.
#pragma once

#include <cstdint>

#include "format/taps.h"

namespace sbnn {

// The derivative that stands in for that of sign: see signbit/nn/estimators.py.
enum class Surrogate : int { kIdentity, kClip, kPolynomial, kEde };

// A sign's argument is u = (x + shift) / divisor; dividing by 1 changes nothing.
struct SurrogateArgs {
  Surrogate kind;
  float t, k;  // of kEde: k·t·(1 - tanh(t·u)²); of kClip: 1 for |u| <= t
  float divisor;
};

// Where sums over an image's pixels are added to; null: nobody asks. Times -1, those of the
// products are the divisor's gradient.
struct SurrogateSums {
  float* of_shift;  // [channels]
  float* products;  // [channels], of gradients and arguments
};

// What else a convolution's result is made of: scale[c]·dot + offset[c]·sum[p] + border[p][c], each
// product and sum rounded by itself; null: left out.
struct DotTerms {
  const float* scale;
  const float* offset;
  const float* sums;
  const float* border;
};

// Maxima over windows of `size` × `size` that touch but do not overlap; rows and columns that fill
// no window are left out. size² <= 255.
struct PoolShape {
  int64_t height, width, size;  // of what is pooled
  int64_t out_height() const { return height / size; }
  int64_t out_width() const { return width / size; }
};

struct RPReLUConstants {
  const float* before;
  const float* slope;
  const float* after;
};

struct MaxoutConstants {
  const float* negative;
  const float* positive;
};

// What spreads a gradient over the values that were normalised; [channels] each.
struct NormSpread {
  const float* by;
  const float* slope;
  const float* offset;
};

// A normalisation, what is added to it, and a clip to [-1, 1]. v = kept - centre[c], where `centre`
// may be null; `shortcut` may be, too, and `y`, where nothing is clipped.
template <typename Kept>
struct NormPasses {
  // y = scale[c]·v + offset[c] + shortcut, clipped if `clip`.
  void (*normalise)(const Kept* kept, const float* centre, const float* scale, const float* offset,
                    const float* shortcut, bool clip, int64_t pixels, int64_t channels, float* y);
  // Sums of g and of g·v, added to sums[0][c] and sums[1][c], where g is the gradient of y where
  // the clip let y pass, else 0.
  void (*sum_gradients)(const Kept* kept, const float* centre, const float* y,
                        const float* gradient, int64_t pixels, int64_t channels, double* sums);
  // of_kept = by[c]·g + slope[c]·v + offset[c]; of_shortcut = g where it is not null.
  void (*spread_gradients)(const Kept* kept, const float* centre, const float* y,
                           const float* gradient, const NormSpread& spread, int64_t pixels,
                           int64_t channels, float* of_kept, float* of_shortcut);
};

// A convolution with one channel in each group.
struct DepthwiseShape {
  int64_t channels;
  Axis rows, columns;
};

struct PointwiseTable {
  // signs[p][c] = (x[p][c] + shift[c]) / divisor < 0; `shift` may be null. Bits behind the channels
  // become 0.
  void (*pack_signs)(const float* x, const float* shift, float divisor, int64_t pixels,
                     int64_t channels, int64_t pixel_bytes, uint8_t* signs);
  // gradient[p][c] *= surrogate(u) / divisor, u = (x[p][c] + shift[c]) / divisor.
  void (*surrogate_gradient)(const SurrogateArgs& surrogate, const float* x, const float* shift,
                             int64_t pixels, int64_t channels, float* gradient,
                             const SurrogateSums& sums);
  // Dots in place, with what else there is.
  void (*finish_dots)(const DotTerms& terms, int64_t pixels, int64_t channels, float* dots);

  // One image of a convolution with one channel in each group; weights are [tap][c].

  // signs[p][c] = (x[p][c] + shift[c]) / divisor < 0 ? -1 : 1; `shift` may be null.
  void (*expand_signs)(const float* x, const float* shift, float divisor, int64_t pixels,
                       int64_t channels, float* signs);
  void (*depthwise)(const DepthwiseShape& shape, const float* signs, const float* weights,
                    float* y);
  // The gradient of the signs is added to of_signs, that of the weights to sums[tap][c].
  void (*depthwise_input)(const DepthwiseShape& shape, const float* weights, const float* of_y,
                          float* of_signs);
  void (*depthwise_weights)(const DepthwiseShape& shape, const float* signs, const float* of_y,
                            double* sums);

  // What is normalised: dots that are kept as int16, whose channels are whole multiples of 16, or
  // any reals. Sums are added to sums[0][c] and sums[1][c].

  // The largest dot of each window and, where `places` is not null, its number in the window, row
  // by row: the first of equals.
  void (*pool_dots)(const PoolShape& shape, const float* dots, int64_t channels, float* pooled,
                    uint8_t* places);
  // The other way: each window's gradient goes to its place, the rest is 0.
  void (*unpool)(const PoolShape& shape, const float* of_pooled, const uint8_t* places,
                 int64_t channels, float* of_dots);
  // kept = dots; sums of dots and of dots².
  void (*keep_dots)(const float* dots, int64_t pixels, int64_t channels, int16_t* kept,
                    double* sums);
  // Sums of v and of v², v = reals - centre[c].
  void (*sum_reals)(const float* reals, const float* centre, int64_t pixels, int64_t channels,
                    double* sums);
  NormPasses<int16_t> of_dots;
  NormPasses<float> of_reals;

  // ReActNet's RPReLU: with t = x + before[c], y = (t > 0 ? t : slope[c]·t) + after[c].
  void (*rprelu)(const float* x, const RPReLUConstants& constants, int64_t pixels, int64_t channels,
                 float* y);
  // The other way: of_x = gradient·(t > 0 ? 1 : slope[c]). Sums of of_x, of the gradient times
  // min(t, 0), and of the gradient, the gradients of before, slope and after, are added to
  // sums[0][c], sums[1][c] and sums[2][c].
  void (*rprelu_gradients)(const float* x, const float* gradient, const RPReLUConstants& constants,
                           int64_t pixels, int64_t channels, float* of_x, double* sums);
  // AdaBin's Maxout: y = x·(x < 0 ? negative[c] : positive[c]).
  void (*maxout)(const float* x, const MaxoutConstants& constants, int64_t pixels, int64_t channels,
                 float* y);
  // The other way: of_x = gradient·(x < 0 ? negative[c] : positive[c]). Sums of the gradient times
  // x where x < 0, and of the rest, are added to sums[0][c] and sums[1][c].
  void (*maxout_gradients)(const float* x, const float* gradient, const MaxoutConstants& constants,
                           int64_t pixels, int64_t channels, float* of_x, double* sums);
  // Of y times map[p]: of_y = gradient·map[p], and of_map[p] is the sum over c of gradient·y.
  void (*times_map_gradients)(const float* y, const float* map, const float* gradient,
                              int64_t pixels, int64_t channels, float* of_y, float* of_map);
  // sum[p][c] += x[p][c] > 0 ? addend[p] : x[p][c] < 0 ? -addend[p] : 0.
  void (*add_by_sign)(const float* x, const float* addend, int64_t pixels, int64_t channels,
                      float* sum);
  // sum[p][c] += addend[c].
  void (*add_by_channel)(const float* addend, int64_t pixels, int64_t channels, float* sum);
  // sum += addend.
  void (*add)(const float* addend, int64_t count, float* sum);
};

const PointwiseTable& pointwise_table();

extern const PointwiseTable kScalarPointwise;
#if defined(SIGNBIT_X86_KERNELS)
extern const PointwiseTable kAvx2Pointwise;
extern const PointwiseTable kAvx512Pointwise;
#endif

}  // namespace sbnn
