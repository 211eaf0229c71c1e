// Dots of signs by the kernels of binary convolutions: K - 2·popcount(a XOR b).
//
// The first factor's pixels are read where they lie, if they are whole words. The second factor's
// are put side by side as a vector of filters reads them, a row once for all tiles that follow each
// other; where the sum is over its pixels, a square of 32 by 32 bits is transposed on the way.

#include "run/ops/sign_products.h"

#include <array>

#include "plan/layouts/bit_blocks.h"
#include "plan/words.h"

namespace sbnn {
namespace {

class SignProduct : public NodeContext {
 public:
  explicit SignProduct(const NodeContext& context)
      : NodeContext(context),
        second_(layout(spec.more_inputs[0])),
        signs_(frame.tensor(spec.more_inputs[0])),
        filters_(reinterpret_cast<uint32_t*>(scratch.factors.data())),
        windows_(filters_ +
                 words_ * weights_ * round_up(node.channels, int64_t{kernels.word_lanes})) {}

  // Of `count` pixels of row y from column x on.
  void compute(int64_t y, int64_t x, int64_t count, int32_t* values) const {
    if (scratch.packed_row != y) pack(y);
    place_windows(y, x, count);
    BinaryDotArgs args{};
    args.pixels = static_cast<int>(count);
    args.singles = node.binary.singles;
    args.offsets = node.binary.offsets.data();
    args.windows = scratch.windows.data();
    args.base = scratch.base.data();
    args.dots_step = node.tile_step;
    for (int64_t c = 0; c < node.channels; c += kBlockFilters) {
      args.filters = static_cast<int>(std::min<int64_t>(kBlockFilters, node.channels - c));
      args.weights = filters_ + c * words_ * weights_;
      args.dots = values + c;
      kernels.binary_dot(args);
    }
  }

 private:
  void place_windows(int64_t y, int64_t x, int64_t count) const {
    const uint8_t* pixel = frame.tensor(spec.input) + input.at(y, x);
    const bool in_place = input.pixel_bytes % kWordBytes == 0;
    uint32_t* words = windows_;
    for (int64_t i = 0; i < count; ++i, pixel += input.pixel_bytes) {
      const auto slot = static_cast<size_t>(i);
      scratch.base[slot] = node.binary.base.data();
      scratch.windows[slot] = in_place ? pixel : reinterpret_cast<const uint8_t*>(words);
      for (int64_t w = 0; !in_place && w < words_; ++w)
        *words++ = word_of(pixel, w, input.channels);
    }
  }

  // Word w of a pixel of so many signs; what is past them is 0.
  static uint32_t word_of(const uint8_t* pixel, int64_t w, int64_t signs) {
    return static_cast<uint32_t>(
        read_bits(pixel, w * kBlockBits, std::min(kBlockBits, signs - w * kBlockBits)));
  }

  const uint8_t* second(int64_t y, int64_t x) const { return signs_ + second_.at(y, x); }

  void pack(int64_t y) const {
    scratch.packed_row = y;
    if (spec.keys.flag(Key::kOverPixels)) return pack_columns(y);
    for (int64_t filter = 0; filter < node.channels; ++filter) {
      const uint8_t* const pixel = second(y, filter);
      for (int64_t w = 0; w < words_; ++w) store(filter, w, word_of(pixel, w, input.channels));
    }
  }

  // A filter is a channel, whose signs are those of the row's pixels.
  void pack_columns(int64_t y) const {
    std::array<uint32_t, kBlockBits> block;
    for (int64_t w = 0; w < words_; ++w) {
      const int64_t pixels = std::min(kBlockBits, input.channels - w * kBlockBits);
      for (int64_t c = 0; c < node.channels; c += kBlockBits) {
        block.fill(0);
        for (int64_t i = 0; i < pixels; ++i) {
          block[static_cast<size_t>(i)] =
              word_of(second(y, w * kBlockBits + i), c / kBlockBits, node.channels);
        }
        transpose_block(&block);
        for (int64_t i = 0; i < std::min(kBlockBits, node.channels - c); ++i) {
          store(c + i, w, block[static_cast<size_t>(i)]);
        }
      }
    }
  }

  void store(int64_t filter, int64_t w, uint32_t word) const {
    const int64_t lanes = kernels.word_lanes, vector = filter / lanes;
    store_word(word, kernels, filter % lanes, filters_ + (vector * words_ + w) * lanes * weights_);
  }

  const int64_t words_ = node.binary.singles;
  const int64_t weights_ = weights_of_word(kernels);
  const TensorLayout& second_;
  const uint8_t* const signs_;
  uint32_t* const filters_;
  uint32_t* const windows_;
};

}  // namespace

void multiply_signs(const NodeContext& context, const Tile& tile) {
  const SignProduct product(context);
  for_row_parts(context, tile, [&](int64_t y, int64_t x, int64_t count, int32_t* values) {
    product.compute(y, x, count, values);
  });
}

}  // namespace sbnn
