// Bits that change places, against bits that are looked at one by one.

#include "check.h"
#include "draws.h"
#include "plan/layouts/bit_blocks.h"

using test::integer;

namespace {

uint64_t any_word() {
  uint64_t word = 0;
  for (int byte = 0; byte < 8; ++byte) word = word << 8 | static_cast<uint64_t>(integer(0, 255));
  return word;
}

bool bit_of(uint64_t word, int64_t place) { return (word >> place & 1) != 0; }

void test_transposed() {
  std::array<uint32_t, sbnn::kBlockBits> block;
  for (uint32_t& word : block) word = static_cast<uint32_t>(any_word());
  const std::array<uint32_t, sbnn::kBlockBits> before = block;
  sbnn::transpose_block(&block);
  for (int i = 0; i < sbnn::kBlockBits; ++i) {
    for (int j = 0; j < sbnn::kBlockBits; ++j) {
      CHECK(bit_of(block[static_cast<size_t>(i)], j) == bit_of(before[static_cast<size_t>(j)], i));
    }
  }
}

void test_comb(int64_t step) {
  const sbnn::Comb comb(step);
  const int64_t count = comb.count();
  CHECK(count * step <= 64 || count == 1);
  CHECK(2 * count * step > 64);
  const uint64_t word = any_word(), low = word & ((uint64_t{1} << count) - 1);
  const uint64_t spread = comb.spread(low), gathered = comb.gather(word);
  uint64_t all_spread = 0, all_gathered = 0;
  for (int64_t i = 0; i < count; ++i) {
    all_spread |= static_cast<uint64_t>(bit_of(low, i)) << (i * step % 64);
    all_gathered |= static_cast<uint64_t>(bit_of(word, i * step % 64)) << i;
  }
  CHECK(spread == all_spread);
  CHECK(gathered == all_gathered);
  CHECK(comb.gather(spread) == low);
}

}  // namespace

int main() {
  for (int i = 0; i < 100; ++i) test_transposed();
  for (int64_t step = 2; step < 200; ++step) {
    for (int i = 0; i < 20; ++i) test_comb(step);
  }
  return test::finish();
}
