#include "plan/layouts/gather.h"

#include <algorithm>
#include <cstring>

#include "plan/plan.h"

namespace sbnn {
namespace {

template <typename Piece>
inline void gather_word(const int64_t* pieces, const uint8_t* first, int64_t step, int64_t count,
                        uint32_t* __restrict word) {
  constexpr int kPieces = sizeof(uint32_t) / sizeof(Piece);
  for (int64_t i = 0; i < count; ++i, first += step) {
    uint32_t all = 0;
    for (int p = 0; p < kPieces; ++p) {
      Piece piece;
      std::memcpy(&piece, first + pieces[p], sizeof piece);
      all |= static_cast<uint32_t>(piece) << (8 * sizeof(Piece) * static_cast<size_t>(p));
    }
    word[i] = all;
  }
}

template <typename Piece>
void gather_pieces(const GatherPlan& plan, const WindowRun& run, uint32_t* words) {
  constexpr size_t kPieces = sizeof(uint32_t) / sizeof(Piece);
  constexpr auto kNext = static_cast<int64_t>(sizeof(Piece));
  for (size_t i = 0; i < plan.pieces.size(); i += kPieces, words += kTileWindows) {
    int64_t pieces[kPieces];
    std::copy_n(plan.pieces.data() + i, kPieces, pieces);
    // Steps that the compiler knows become vectors.
    if (run.step == kNext) {
      gather_word<Piece>(pieces, run.first, kNext, run.count, words);
    } else if (run.step == 2 * kNext) {
      gather_word<Piece>(pieces, run.first, 2 * kNext, run.count, words);
    } else {
      gather_word<Piece>(pieces, run.first, run.step, run.count, words);
    }
  }
}

}  // namespace

GatherPlan plan_gather(const std::vector<int64_t>& runs, int64_t run_bytes) {
  GatherPlan plan;
  plan.piece_bytes = run_bytes % 2 == 0 ? 2 : 1;
  for (const int64_t run : runs) {
    for (int64_t byte = 0; byte < run_bytes; byte += plan.piece_bytes) {
      plan.pieces.push_back(run + byte);
    }
  }
  const auto bytes = static_cast<int64_t>(plan.pieces.size()) * plan.piece_bytes;
  const int64_t unused = (4 - bytes % 4) % 4;
  plan.last_mask = ~uint32_t{0} >> (8 * unused);
  plan.pieces.resize(plan.pieces.size() + static_cast<size_t>(unused / plan.piece_bytes),
                     plan.pieces.back());
  return plan;
}

void gather_words(const GatherPlan& plan, const WindowRun& run, uint32_t* words) {
  if (plan.piece_bytes == 2) {
    gather_pieces<uint16_t>(plan, run, words);
  } else {
    gather_pieces<uint8_t>(plan, run, words);
  }
  if (plan.last_mask == ~uint32_t{0}) return;
  uint32_t* const last = words + (plan.words() - 1) * kTileWindows;
  for (int64_t i = 0; i < run.count; ++i) last[i] &= plan.last_mask;
}

}  // namespace sbnn
