// Bits that change places: a square of them, and those of a word that lie some way apart.
#pragma once

#include <array>
#include <cstdint>

namespace sbnn {

constexpr int64_t kBlockBits = 32;

// Bit i of word j becomes bit j of word i. Halves of halves change places: of two words 16 apart
// the upper half of one and the lower half of the other, and so on down to single bits.
inline void transpose_block(std::array<uint32_t, kBlockBits>* block) {
  uint32_t mask = 0x0000ffff;
  for (uint32_t apart = 16; apart != 0; apart >>= 1, mask ^= mask << apart) {
    for (uint32_t i = 0; i < kBlockBits; i = (i + apart + 1) & ~apart) {
      uint32_t &low = (*block)[i], &high = (*block)[i + apart];
      const uint32_t changed = ((low >> apart) ^ high) & mask;
      high ^= changed;
      low ^= changed << apart;
    }
  }
}

// Bits of one word, `step` apart (2 or more) and side by side: as many as fit, a power of two.
// Halves of them move away from each other, then halves of each half, and the other way round.
class Comb {
 public:
  explicit Comb(int64_t step) : gap_(step - 1) {
    while (2 * step << levels_ <= 64) ++levels_;
    for (int level = 0; level <= levels_; ++level) {
      const uint64_t tooth = (uint64_t{1} << (int64_t{1} << level)) - 1;
      for (int64_t i = 0; i < count() >> level; ++i) {
        masks_[static_cast<size_t>(level)] |= tooth << (i * step << level);
      }
    }
  }

  int64_t count() const { return int64_t{1} << levels_; }

  // The lowest count() bits, `step` apart; the others are 0.
  uint64_t spread(uint64_t bits) const {
    for (int level = levels_; level-- > 0;) {
      bits = (bits | bits << (gap_ << level)) & masks_[static_cast<size_t>(level)];
    }
    return bits;
  }

  // The reverse, whatever lies between them.
  uint64_t gather(uint64_t bits) const {
    bits &= masks_[0];
    for (int level = 0; level < levels_; ++level) {
      bits = (bits | bits >> (gap_ << level)) & masks_[static_cast<size_t>(level + 1)];
    }
    return bits;
  }

 private:
  int64_t gap_;
  int levels_ = 0;
  std::array<uint64_t, 6> masks_{};  // by level: runs of 2^level bits, 2^level · step apart
};

}  // namespace sbnn
