#include "training/dots/depthwise.h"

#include <algorithm>
#include <vector>

#include "training/normalisation.h"

namespace sbnn {
namespace {

template <typename T>
T* at(T* values, int64_t first) {
  return values == nullptr ? nullptr : values + first;
}

// Calls run(image, its signs as ±1, part) for each image.
template <typename Run>
void for_images(const DepthwiseBatch& batch, int parts, Run run) {
  const DepthwiseShape& shape = batch.shape;
  const int64_t pixels = shape.rows.size * shape.columns.size;
  const int64_t values = pixels * shape.channels;
  parallel_ranges(batch.images, parts, [&](ImageRange images, int part) {
    std::vector<float> signs(static_cast<size_t>(values));
    for (int64_t image = images.begin; image < images.end; ++image) {
      pointwise_table().expand_signs(batch.x + image * values,
                                     at(batch.shift, image * shape.channels), batch.divisor, pixels,
                                     shape.channels, signs.data());
      run(image, signs.data(), part);
    }
  });
}

}  // namespace

void depthwise(const DepthwiseBatch& batch, const DotTerms& terms, int parts, float* y) {
  const DepthwiseShape& shape = batch.shape;
  const int64_t pixels = shape.rows.outputs() * shape.columns.outputs();
  for_images(batch, parts, [&](int64_t image, const float* signs, int) {
    float* const own = y + image * pixels * shape.channels;
    pointwise_table().depthwise(shape, signs, batch.weights, own);
    if (terms.scale != nullptr || terms.border != nullptr) {
      pointwise_table().finish_dots(terms, pixels, shape.channels, own);
    }
  });
}

void depthwise_gradients(const DepthwiseBatch& batch, const SurrogateArgs& surrogate, int parts,
                         const DepthwiseGradients& gradients) {
  const DepthwiseShape& shape = batch.shape;
  const int64_t channels = shape.channels, pixels = shape.rows.size * shape.columns.size;
  const int64_t results = shape.rows.outputs() * shape.columns.outputs() * channels;
  const int taps = static_cast<int>(shape.rows.kernel * shape.columns.kernel);
  ChannelSums sums(parts, channels, taps);
  for_images(batch, parts, [&](int64_t image, const float* signs, int part) {
    const float* const of_y = gradients.of_y + image * results;
    float* const of_x = gradients.of_x + image * pixels * channels;
    pointwise_table().depthwise_weights(shape, signs, of_y, sums.of(part));
    std::fill_n(of_x, pixels * channels, 0.0f);
    pointwise_table().depthwise_input(shape, batch.weights, of_y, of_x);
    pointwise_table().surrogate_gradient(
        surrogate, batch.x + image * pixels * channels, at(batch.shift, image * channels), pixels,
        channels, of_x,
        {at(gradients.of_shift, image * channels), at(gradients.products, image * channels)});
  });
  std::vector<double> total(static_cast<size_t>(taps * channels));
  sums.total(total.data());
  std::transform(total.begin(), total.end(), gradients.of_weights,
                 [](double sum) { return static_cast<float>(sum); });
}

}  // namespace sbnn
