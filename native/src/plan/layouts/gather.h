// Windows whose bits do not lie in whole 32-bit words, as only those of at most 16 channels per
// group: their words are put together from pieces of two bytes, or of one where taps are odd.
#pragma once

#include <cstdint>
#include <vector>

namespace sbnn {

// Where the pieces of a window's words lie.
struct GatherPlan {
  std::vector<int64_t> pieces;  // bytes from the window's address, four bytes of pieces per word
  int64_t piece_bytes = 0;
  uint32_t last_mask = 0;  // the bits of the last word that belong to the window

  int64_t words() const { return static_cast<int64_t>(pieces.size()) * piece_bytes / 4; }
};

// A window is `runs` of `run_bytes`; lowest bits first, the last word's unused bits are 0.
GatherPlan plan_gather(const std::vector<int64_t>& runs, int64_t run_bytes);

// Windows that lie `step` bytes apart.
struct WindowRun {
  const uint8_t* first;
  int64_t step;
  int64_t count;
};

// Word j of the run's window i goes to words[j · kTileWindows + i]: the same word of neighbouring
// windows is a copy of neighbouring pixels.
void gather_words(const GatherPlan& plan, const WindowRun& run, uint32_t* words);

}  // namespace sbnn
