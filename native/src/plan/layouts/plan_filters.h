// How both kinds of convolution cut their filters into blocks and pack them for a kernel.
#pragma once

#include <algorithm>

#include "plan/plan.h"

namespace sbnn {

// Filters are cut so that no block crosses a group. Where a group is not whole words of channels,
// an epilogue cannot finish its blocks one by one, and one chunk gathers them all.
inline void cut_filters(int64_t groups, NodePlan* plan) {
  const int64_t group_filters = plan->channels / groups;
  const bool by_block = groups == 1 || group_filters % kBlockFilters == 0;
  for (int64_t group = 0; group < groups; ++group) {
    for (int64_t done = 0; done < group_filters; done += kBlockFilters) {
      Block block;
      block.group = group;
      block.channel = group * group_filters + done;
      block.filters = std::min<int64_t>(kBlockFilters, group_filters - done);
      if (by_block) plan->chunks.push_back({block.channel, block.filters, plan->blocks.size(), 1});
      plan->blocks.push_back(block);
    }
  }
  if (!by_block) plan->chunks.push_back({0, plan->channels, 0, plan->blocks.size()});
  // A kernel writes whole vectors, so a gathered row needs room for one past its end.
  plan->tile_step = by_block ? kBlockFilters : round_up(plan->channels + 16, 16);
}

// Values a gathered tile may hold: 64 KiB, as a block-wise one holds 12.
constexpr int64_t kGatheredValues = 16384;

inline int64_t windows_that_fit(const NodePlan& plan) {
  return std::clamp<int64_t>(kGatheredValues / plan.tile_step, 1, kTileWindows);
}

// Pixels of a tile, at most `most`: tiles of about the same size, whole register tiles if possible.
inline int64_t even_tile(int64_t pixels, int64_t most) {
  constexpr int64_t kRegisterTile = 8;
  if (most < kRegisterTile) return std::max<int64_t>(1, most);
  const int64_t tiles = (pixels + most - 1) / most;
  return std::min(round_up((pixels + tiles - 1) / tiles, kRegisterTile), most);
}

// The same of a real convolution, whose units yield 2^levels outputs each: tiles of nearly equal
// size that begin at whole units where rows do.
inline int64_t even_unit_tile(int64_t pixels, int levels, int64_t most) {
  constexpr int64_t kWhole = int64_t{1} << kMaxTrackLevels;
  // 12 units of a fast convolution are whole register tiles of 1, 2, 3 or 6.
  if (levels > 0) most = std::min(most, int64_t{12} << levels);
  const int64_t tiles = (pixels + most - 1) / most;
  const int64_t even = round_up((pixels + tiles - 1) / tiles, kWhole);
  return std::min({most, even, pixels});
}

// Number of weights when every block's filters fill whole vectors.
inline int64_t packed_size(const NodePlan& plan, int lanes, int64_t steps) {
  int64_t filters = 0;
  for (const Block& block : plan.blocks) {
    filters += round_up(block.filters, lanes);
  }
  return filters * steps;
}

// Stores weights tile by tile, step by step, lane by lane; `weight(filter, step)` for real filters,
// 0 for those that fill up a vector.
template <typename T, typename Weight>
void pack_blocks(int lanes, int max_vectors, int64_t steps, NodePlan* plan, T* packed,
                 Weight weight) {
  T* const begin = packed;
  for (Block& block : plan->blocks) {
    block.weights = static_cast<size_t>(packed - begin);
    int64_t filter = 0;
    auto vectors = static_cast<int>((block.filters + lanes - 1) / lanes);
    while (vectors > 0) {
      const int tile = tile_vectors(vectors, max_vectors);
      const int64_t width = static_cast<int64_t>(tile) * lanes;
      const int64_t valid = std::min(width, block.filters - filter);
      for (int64_t lane = 0; lane < valid; ++lane) {
        for (int64_t step = 0; step < steps; ++step) {
          packed[step * width + lane] = weight(block.channel + filter + lane, step);
        }
      }
      packed += steps * width;
      filter += width;
      vectors -= tile;
    }
  }
}

}  // namespace sbnn
