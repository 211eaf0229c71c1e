// Maxima of signs.

#include <algorithm>
#include <cstring>

#include "run/ops/pool_window.h"
#include "run/ops/pools.h"

namespace sbnn {
namespace {

// A word whose lowest `count` bits are set, or all of them.
uint64_t first_bits(int64_t count) {
  return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << std::max<int64_t>(count, 0)) - 1;
}

struct SignPool : NodeContext {
  explicit SignPool(const NodeContext& context) : NodeContext(context) {}

  // The maximum of signs is negative only where all are: the AND of the bits, word by word. A
  // pixel's last word may reach into its neighbour, or the slack at the end; that is cut off later.
  const uint8_t* pool(int64_t y, int64_t x) {
    const PoolWindow window = pool_window(spec, input, y, x);
    const auto bytes = static_cast<size_t>(input.pixel_bytes);
    const int64_t row_step = spec.dilation.y * input.row_bytes;
    const int64_t column_step = spec.dilation.x * input.pixel_bytes;
    uint8_t* const pooled = scratch.pooled_signs.data();
    const uint8_t* const first = frame.tensor(spec.input) + input.at(window.y, window.x);
    for (size_t word = 0; word < bytes; word += sizeof(uint64_t)) {
      uint64_t all = ~uint64_t{0};
      for (int64_t row = 0; row < window.rows; ++row) {
        const uint8_t* tap = first + row * row_step + word;
        for (int64_t column = 0; column < window.columns; ++column, tap += column_step) {
          uint64_t signs;
          std::memcpy(&signs, tap, sizeof signs);
          all &= signs;
        }
      }
      std::memcpy(pooled + word, &all, sizeof all);
    }
    return pooled;
  }

  void store(const uint8_t* pooled, int64_t y, int64_t x) const {
    for (size_t s = 0; s < spec.signs.size(); ++s) {
      const TensorLayout& output = layout(spec.signs[s].tensor);
      uint8_t* const target = frame.tensor(spec.signs[s].tensor) + output.at(y, x);
      const uint64_t* const flip = node.signs[s].flip.data();
      const auto target_bytes = static_cast<size_t>(output.pixel_bytes);
      if (input.bits.contiguous() && output.bits.contiguous()) {
        for (size_t byte = 0; byte < target_bytes; byte += sizeof(uint64_t)) {
          uint64_t word;
          std::memcpy(&word, pooled + byte, sizeof word);
          word =
              (word ^ flip[byte / 8]) & first_bits(node.channels - static_cast<int64_t>(8 * byte));
          std::memcpy(target + byte, &word, std::min(sizeof word, target_bytes - byte));
        }
        continue;
      }
      std::memset(target, 0, target_bytes);
      for (int64_t c = 0; c < node.channels; ++c) {
        const bool flipped = (flip[c / 64] >> (c % 64) & 1) != 0;
        output.bits.put(target, c, input.bits.get(pooled, c) != flipped);
      }
    }
  }
};

}  // namespace

void pool_signs(const NodeContext& context, const Tile& tile) {
  SignPool body(context);
  for (int64_t i = tile.begin; i < tile.begin + tile.count; ++i) {
    const int64_t y = i / body.node.width, x = i % body.node.width;
    body.store(body.pool(y, x), y, x);
  }
}

void unpack_largest_signs(const NodeContext& context, const Tile& tile) {
  SignPool body(context);
  auto* values = reinterpret_cast<float*>(body.scratch.tile.data());
  for (int64_t i = tile.begin; i < tile.begin + tile.count; ++i, values += body.node.tile_step) {
    body.input.bits.unpack(body.pool(i / body.node.width, i % body.node.width), 0,
                           body.input.channels, values);
  }
}

}  // namespace sbnn
