// The words of signs that dots are made of: which of a window's are gathered, what completes their
// triples, and how those of filters lie side by side.
#pragma once

#include "plan/plan.h"

namespace sbnn {

constexpr int64_t kWordBytes = 4;  // of a binary convolution's signs

// Whether runs of so many bytes are gathered, see BinaryConvPlan: words side by side lie on whole
// words of their tensor.
inline bool is_gathered(const TensorLayout& input, int64_t run_bytes, const KernelTable& kernels) {
  return run_bytes % kWordBytes != 0 ||
         (kernels.side_by_side && input.pixel_bytes % kWordBytes != 0);
}

// Bytes of what completes the triples in so many bytes of signs.
inline int64_t triple_bytes(int64_t bytes, const KernelTable& kernels) {
  return kernels.side_by_side ? 3 * bytes : bytes;
}

// Weights of a filter, of 32 bits, for each word of a window.
inline int64_t weights_of_word(const KernelTable& kernels) { return kernels.looks_up ? 2 : 1; }

// Puts a word of a filter into its lane of a vector of filters, whose words of this place begin at
// `vector`.
inline void store_word(uint32_t word, const KernelTable& kernels, int64_t lane, uint32_t* vector) {
  if (!kernels.looks_up) {
    vector[lane] = word;
    return;
  }
  uint8_t* to = reinterpret_cast<uint8_t*>(vector) + lane;
  for (const int half : {0, 4}) {
    for (int byte = 0; byte < 4; ++byte, to += kernels.word_lanes) {
      *to = word >> (8 * byte + half) & 15;
    }
  }
}

// Whether both factors of a product are signs whose bits lie side by side.
inline bool multiplies_signs(const FusedNode& node, const std::vector<TensorLayout>& tensors) {
  const auto is_dense = [&](int tensor) {
    const TensorLayout& layout = tensors[static_cast<size_t>(tensor)];
    return layout.kind == Kind::kBits && layout.bits.contiguous();
  };
  return node.op == Op::kMatmul && is_dense(node.input) && is_dense(node.more_inputs[0]);
}

// Words that hold so many signs.
inline int64_t words_of(int64_t signs) { return round_up(signs, 32) / 32; }

}  // namespace sbnn
