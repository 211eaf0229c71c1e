// Maxima of signs.

#include <cstring>

#include "run/ops/pool_window.h"
#include "run/ops/pools.h"
#include "run/ops/sign_pixels.h"

namespace sbnn {
namespace {

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
};

}  // namespace

void pool_signs(const NodeContext& context, const Tile& tile) {
  SignPool body(context);
  for (int64_t i = tile.begin; i < tile.begin + tile.count; ++i) {
    const int64_t y = i / body.node.width, x = i % body.node.width;
    store_signs_at(body, body.pool(y, x), body.input.bits, y, x);
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
