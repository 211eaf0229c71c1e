#include "run/ops/sign_pixels.h"

#include <algorithm>
#include <cstring>

namespace sbnn {
namespace {

// A word whose lowest `count` bits are set, or all of them.
uint64_t first_bits(int64_t count) {
  return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << std::max<int64_t>(count, 0)) - 1;
}

}  // namespace

void store_signs_at(const NodeContext& context, const uint8_t* signs, const BitsLayout& layout,
                    int64_t y, int64_t x) {
  const int64_t channels = context.node.channels;
  for (size_t s = 0; s < context.spec.signs.size(); ++s) {
    const int tensor = context.spec.signs[s].tensor;
    const TensorLayout& output = context.layout(tensor);
    uint8_t* const target = context.frame.tensor(tensor) + output.at(y, x);
    const uint64_t* const flip = context.node.signs[s].flip.data();
    const auto target_bytes = static_cast<size_t>(output.pixel_bytes);
    if (layout.contiguous() && output.bits.contiguous()) {
      for (size_t byte = 0; byte < target_bytes; byte += sizeof(uint64_t)) {
        uint64_t word;
        std::memcpy(&word, signs + byte, sizeof word);
        word = (word ^ flip[byte / 8]) & first_bits(channels - static_cast<int64_t>(8 * byte));
        std::memcpy(target + byte, &word, std::min(sizeof word, target_bytes - byte));
      }
      continue;
    }
    std::memset(target, 0, target_bytes);
    for (int64_t c = 0; c < channels; ++c) {
      const bool flipped = (flip[c / 64] >> (c % 64) & 1) != 0;
      output.bits.put(target, c, layout.get(signs, c) != flipped);
    }
  }
}

}  // namespace sbnn
