// Signs side by side: a concatenation whose parts are whole bytes is copied as bits.

#include "run/ops/joined_signs.h"

#include <algorithm>
#include <cstring>

namespace sbnn {
namespace {

constexpr int64_t kWordBytes = sizeof(uint64_t);

// Calls visit(tensor) for each tensor that is joined, in order.
template <typename Visit>
void for_parts(const FusedNode& spec, Visit visit) {
  visit(spec.input);
  for (const int tensor : spec.more_inputs) visit(tensor);
}

// `bytes` of each of `count` pixels, one step after the other.
void copy_pixels(const uint8_t* from, int64_t from_step, uint8_t* to, int64_t to_step,
                 int64_t bytes, int64_t count) {
  if (bytes % kWordBytes != 0) {
    for (int64_t i = 0; i < count; ++i, from += from_step, to += to_step) {
      std::memcpy(to, from, static_cast<size_t>(bytes));
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i, from += from_step, to += to_step) {
    for (int64_t byte = 0; byte < bytes; byte += kWordBytes) {
      std::memcpy(to + byte, from + byte, sizeof(uint64_t));
    }
  }
}

}  // namespace

bool joins_bytes(const NodeContext& context) {
  const FusedNode& spec = context.spec;
  if (spec.op != Op::kConcat || context.node.by_steps() || spec.real != kNone) return false;
  const bool changed = spec.scale != kNone || spec.shift != kNone || spec.offset != kNone ||
                       spec.shortcut.tensor != kNone || spec.activation != Activation::kNone;
  if (changed || spec.signs.empty()) return false;
  bool whole = true;
  for_parts(spec, [&](int tensor) {
    const TensorLayout& part = context.layout(tensor);
    whole = whole && part.kind == Kind::kBits && part.bits.contiguous() && part.channels % 8 == 0;
  });
  return whole && std::all_of(spec.signs.begin(), spec.signs.end(), [&](const SignOutput& output) {
           const bool plain = output.threshold == kNone && output.flip == kNone;
           return plain && context.layout(output.tensor).bits.contiguous();
         });
}

void join_signs(const NodeContext& context, const Tile& tile) {
  const int64_t width = context.node.width;
  for (const SignOutput& output : context.spec.signs) {
    const TensorLayout& joined = context.layout(output.tensor);
    int64_t x = tile.begin % width, y = tile.begin / width;
    for (int64_t left = tile.count; left > 0; x = 0, ++y) {
      const int64_t count = std::min(left, width - x);
      uint8_t* to = context.frame.tensor(output.tensor) + joined.at(y, x);
      int64_t filled = 0;
      for_parts(context.spec, [&](int tensor) {
        const TensorLayout& part = context.layout(tensor);
        const uint8_t* const from = context.frame.tensor(tensor) + part.at(y, x);
        copy_pixels(from, part.pixel_bytes, to + filled, joined.pixel_bytes, part.channels / 8,
                    count);
        filled += part.channels / 8;
      });
      const int64_t rest = joined.pixel_bytes - filled;
      for (int64_t i = 0; rest > 0 && i < count; ++i) {
        std::memset(to + i * joined.pixel_bytes + filled, 0, static_cast<size_t>(rest));
      }
      left -= count;
    }
  }
}

}  // namespace sbnn
