#include "plan/layouts/row_panel.h"

#include <algorithm>
#include <cstring>

namespace sbnn {
namespace {

template <typename Out>
Out* fill_pixels(int64_t count, int64_t channels, const Out* pixel, Out* out) {
  for (int64_t i = 0; i < count; ++i, out += channels) std::copy(pixel, pixel + channels, out);
  return out;
}

// One row with its padding; copy(count, out) writes its first pixels. All padding where `row` is
// null.
template <typename Out, typename Copy>
void pad_row(const PanelPlan& plan, const void* row, const Out* pad, Out* out, Copy copy) {
  const int64_t left = row == nullptr ? plan.columns : std::min(plan.left, plan.columns);
  const int64_t inside = row == nullptr ? 0 : std::min(plan.width, plan.columns - left);
  out = fill_pixels(left, plan.channels, pad, out);
  copy(inside, out);
  fill_pixels(plan.columns - left - inside, plan.channels, pad, out + inside * plan.channels);
}

template <typename In, typename Out>
void convert_row(const PanelPlan& plan, const In* row, const Out* pad, Out* out) {
  pad_row(plan, row, pad, out, [&](int64_t pixels, Out* to) {
    for (int64_t i = 0; i < pixels * plan.channels; ++i) to[i] = static_cast<Out>(row[i]);
  });
}

// pixel_byte of each, eight at a time.
void copy_bytes(const uint8_t* pixels, int64_t count, int8_t* to) {
  int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    uint64_t eight;
    std::memcpy(&eight, pixels + i, sizeof eight);
    eight ^= 0x8080808080808080;
    std::memcpy(to + i, &eight, sizeof eight);
  }
  for (; i < count; ++i) to[i] = pixel_byte(pixels[i]);
}

bool is_inside(const PanelPlan& plan, int64_t y) { return y >= 0 && y < plan.height; }

void convert_signs(const PanelPlan& plan, const RowSource& source, int64_t y, float* out) {
  const auto* row = is_inside(plan, y)
                        ? static_cast<const uint8_t*>(source.data) + y * source.row_bytes
                        : nullptr;
  pad_row(plan, row, plan.pad_reals.data(), out, [&](int64_t pixels, float* to) {
    for (int64_t i = 0; i < pixels; ++i, to += plan.channels) {
      source.bits->unpack(row + i * source.bits->pixel_bytes, 0, source.bits->channels, to);
    }
  });
}

template <typename In>
const In* row_of(const PanelPlan& plan, const RowSource& source, int64_t y) {
  if (!is_inside(plan, y)) return nullptr;
  return static_cast<const In*>(source.data) + y * plan.width * plan.channels;
}

}  // namespace

void RowPanel::convert(const PanelPlan& plan, const RowSource& source, int64_t y, uint8_t* row) {
  if (!plan.pad_bytes.empty()) {
    const auto* const pixels = row_of<uint8_t>(plan, source, y);
    pad_row(plan, pixels, plan.pad_bytes.data(), reinterpret_cast<int8_t*>(row),
            [&](int64_t count, int8_t* to) { copy_bytes(pixels, count * plan.channels, to); });
    return;
  }
  if (plan.pad_pixels.empty()) {
    auto* const reals = reinterpret_cast<float*>(row);
    if (source.bits != nullptr) {
      convert_signs(plan, source, y, reals);
    } else if (source.is_float) {
      convert_row(plan, row_of<float>(plan, source, y), plan.pad_reals.data(), reals);
    } else {
      convert_row(plan, row_of<uint8_t>(plan, source, y), plan.pad_reals.data(), reals);
    }
    return;
  }
  auto* const pixels = reinterpret_cast<int16_t*>(row);
  int16_t* const whole = plan.tracks.levels == 0 ? pixels : staging_.data();
  convert_row(plan, row_of<uint8_t>(plan, source, y), plan.pad_pixels.data(), whole);
  if (plan.tracks.levels > 0) {
    split_row(plan.tracks, plan.units, whole, plan.pitch,
              whole + plan.columns * plan.channels + kSplitSlack, pixels);
  }
}

void RowPanel::prepare(const PanelPlan& plan, const RowSource& source, int64_t begin, int64_t end) {
  if (begin < first_ || begin > end_) {
    first_ = end_ = begin;
    slot_ = 0;
  }
  if (slot_ + end - first_ > plan.capacity) {
    // What is still needed moves to the front.
    const int64_t kept = std::max<int64_t>(end_ - begin, 0);
    std::memmove(rows_.data(), row(plan, begin), static_cast<size_t>(kept * plan.row_bytes));
    first_ = begin;
    slot_ = 0;
  }
  for (; end_ < end; ++end_) {
    convert(plan, source, end_, rows_.data() + (slot_ + end_ - first_) * plan.row_bytes);
  }
}

}  // namespace sbnn
