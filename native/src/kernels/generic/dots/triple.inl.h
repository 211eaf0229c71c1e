// The differing bits of one triple of words, over the vocabulary `Vec`; see BinaryDotArgs.
//
// Three words of differing bits x0, x1, x2 are a full adder's inputs: their sum s = x0 ^ x1 ^ x2
// has weight 1, their carry (the majority) weight 2. As s = (a0 ^ a1 ^ a2) ^ (w0 ^ w1 ^ w2) comes
// ready from words that were combined beforehand, x2 is not needed: the majority is x0 where
// x0 = x1, else it is ~s. So three words cost 3 xors, 1 majority and what it takes to count two
// words, where plainly counted they cost 3 xors and what it takes to count three.

// A word of every lane alike, `offset` bytes from the window's address. It may lie in another array
// than the window does, so this is arithmetic on numbers and not on pointers.
[[gnu::always_inline]] inline typename Vec::Words signs_at(const uint8_t* window, int64_t offset) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(window) + static_cast<uintptr_t>(offset);
  return Vec::broadcast_word(reinterpret_cast<const void*>(address));
}

[[gnu::always_inline]] inline typename Vec::Words differing_at(const uint8_t* window,
                                                               int64_t offset,
                                                               const uint32_t* weights) {
  return Vec::xor_words(signs_at(window, offset), Vec::load_words(weights));
}

struct Triple {
  typename Vec::Words sum, carry;
};

// `weights` are those of a vector of filters, for all their triples.
inline Triple differing_triple(const BinaryDotArgs& args, const uint8_t* window,
                               const uint32_t* weights, int64_t triple) {
  const uint32_t* const step = weights + triple * 3 * Vec::kWordLanes;
  const int64_t first = args.offsets[triple];
  const typename Vec::Words x0 = differing_at(window, first, step);
  const typename Vec::Words x1 = differing_at(window, first + args.second, step + Vec::kWordLanes);
  const typename Vec::Words sum =
      differing_at(window, first + args.triple_xor, step + 2 * Vec::kWordLanes);
  return {sum, Vec::majority(x0, x1, sum)};
}
