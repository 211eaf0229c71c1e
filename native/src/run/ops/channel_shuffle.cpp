// The channels of groups, interleaved: first of each group, then second of each, and so on.

#include <algorithm>

#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {

void channel_shuffle(const NodeContext& context, const Tile& tile) {
  const int64_t groups = context.spec.groups, channels = context.node.channels;
  constexpr int64_t kPiece = 64;  // of a group, read together
  float piece[kPiece];
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    const int64_t each = channels / groups;
    for (int64_t group = 0; group < groups; ++group) {
      for (int64_t first = 0; first < each; first += kPiece) {
        const int64_t count = std::min(kPiece, each - first);
        read_channels(context, context.spec.input, y, x, group * each + first, count, piece);
        float* const target = values + first * groups + group;
        for (int64_t i = 0; i < count; ++i) target[i * groups] = piece[i];
      }
    }
  });
}

}  // namespace sbnn
