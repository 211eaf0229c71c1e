// The channels of groups, interleaved: first of each group, then second of each, and so on.

#include "run/ops/body.h"
#include "run/ops/values.h"

namespace sbnn {

void channel_shuffle(const NodeContext& context, const Tile& tile) {
  const int64_t groups = context.spec.groups, each = context.node.channels / groups;
  for_pixels(context, tile, [&](int64_t y, int64_t x, float* values) {
    for (int64_t c = 0; c < context.node.channels; ++c) {
      read_channels(context, context.spec.input, y, x, c % groups * each + c / groups, 1,
                    values + c);
    }
  });
}

}  // namespace sbnn
