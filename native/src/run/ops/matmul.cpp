// Products of rows' pixels, by the kernels of convolutions: their windows are pixels of the first
// factor, and their filters what a block of results takes of the second one. Of signs these are
// dots of bits, see sign_products.h; here are those with reals.

#include <array>

#include "run/ops/body.h"
#include "run/ops/sign_products.h"
#include "run/ops/values.h"

namespace sbnn {
namespace {

class Product {
 public:
  explicit Product(const NodeContext& context)
      : context_(context),
        second_(context.spec.more_inputs[0]),
        over_pixels_(context.spec.keys.flag(Key::kOverPixels)),
        packed_(context.scratch.factors.data()),
        pixel_(packed_ + terms_ * kBlockFilters),
        pixels_(pixel_ + terms_) {}

  // Of `count` pixels of row y from column x on.
  void compute(int64_t y, int64_t x, int64_t count, float* values) const {
    std::array<const uint8_t*, kTileWindows> windows;
    for (int64_t i = 0; i < count; ++i) {
      const float* pixel = values_of(context_.spec.input, y, x + i, pixels_ + i * terms_);
      windows[static_cast<size_t>(i)] = reinterpret_cast<const uint8_t*>(pixel);
    }
    const int64_t begin = 0, step = context_.node.tile_step, results = context_.node.channels;
    const ConvTrack track{0, static_cast<int>(terms_), 0};
    for (int64_t c = 0; c < results; c += kBlockFilters) {
      const int64_t filters = std::min<int64_t>(kBlockFilters, results - c);
      pack(y, c, filters);
      context_.kernels.real_conv({static_cast<int>(count), static_cast<int>(filters), 1, &begin, 0,
                                  &track, terms_, packed_, windows.data(), 0, values + c, step});
    }
  }

 private:
  // A pixel's values, where they lie or, of signs, as they are put into `room`.
  const float* values_of(int tensor, int64_t y, int64_t x, float* room) const {
    const TensorLayout& layout = context_.layout(tensor);
    if (layout.kind == Kind::kReal) {
      return reinterpret_cast<const float*>(context_.frame.tensor(tensor) + layout.at(y, x));
    }
    read_pixel(context_, tensor, y, x, room);
    return room;
  }

  // What results [c, c + filters) of row y take, in the order of RealConvArgs.
  void pack(int64_t y, int64_t c, int64_t filters) const {
    const int lanes = context_.kernels.float_lanes;
    auto vectors = static_cast<int>((filters + lanes - 1) / lanes);
    float* tile = packed_;
    while (vectors > 0) {
      const int wide = tile_vectors(vectors, context_.kernels.max_tile_vectors);
      const int64_t width = wide * lanes, count = std::min(width, filters);
      if (count < width) std::fill(tile, tile + terms_ * width, 0.0f);
      for (int64_t i = 0; over_pixels_ && i < terms_; ++i) {
        read_channels(context_, second_, y, i, c, count, tile + i * width);
      }
      for (int64_t filter = 0; !over_pixels_ && filter < count; ++filter) {
        const float* pixel = values_of(second_, y, c + filter, pixel_);
        for (int64_t i = 0; i < terms_; ++i) tile[i * width + filter] = pixel[i];
      }
      tile += terms_ * width;
      c += count;
      filters -= count;
      vectors -= wide;
    }
  }

  const NodeContext& context_;
  const int second_;
  const bool over_pixels_;
  const int64_t terms_ = context_.input.channels;
  float* const packed_;
  float* const pixel_;
  float* const pixels_;
};

}  // namespace

void matmul(const NodeContext& context, const Tile& tile) {
  if (context.node.integer) return multiply_signs(context, tile);
  const Product product(context);
  for_row_parts(context, tile, [&](int64_t y, int64_t x, int64_t count, int32_t* values) {
    product.compute(y, x, count, reinterpret_cast<float*>(values));
  });
}

}  // namespace sbnn
