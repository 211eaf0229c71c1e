#include "images/fit.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "images/resample.h"

namespace sbnn {
namespace {

// The photo with the channels of the input: gray by ITU-R 601 luma, colour by repeating.
std::vector<uint8_t> with_channels(const Photo& photo, int64_t channels, Colours colours,
                                   int64_t first_row, int64_t rows) {
  std::vector<uint8_t> result(static_cast<size_t>(rows * photo.width * channels));
  uint8_t* to = result.data();
  const bool gray = channels == 1 || colours == Colours::kGray;
  for (int64_t y = first_row; y < first_row + rows; ++y) {
    const uint8_t* from = photo.pixels + y * photo.row_bytes;
    for (int64_t x = 0; x < photo.width; ++x, from += photo.channels, to += channels) {
      if (photo.channels == 1) {
        std::fill_n(to, channels, from[0]);
      } else if (gray) {
        const int luma = (from[0] * 19595 + from[1] * 38470 + from[2] * 7471 + 0x8000) >> 16;
        std::fill_n(to, channels, static_cast<uint8_t>(luma));
      } else if (colours == Colours::kBgr) {
        std::reverse_copy(from, from + 3, to);
      } else {
        std::copy_n(from, 3, to);
      }
    }
  }
  return result;
}

// A scaled side of more pixels is refused: its nearest ones are found one after the other.
constexpr int64_t kMostScaled = int64_t{1} << 24;

// Halves of half a difference go to the even number.
int64_t corner(int64_t size, int64_t part) {
  const int64_t twice = size - part;
  return twice / 2 + (twice % 2 != 0 && twice / 2 % 2 != 0 ? 1 : 0);
}

struct Size {
  int64_t width, height;
};

std::string text(Size size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

// side · to / from, rounded to nearest, halves up; no less than a pixel.
int64_t scaled_inside(int64_t side, int64_t to, int64_t from) {
  return std::max<int64_t>((2 * side * to + from) / (2 * from), 1);
}

// The size that a photo is scaled to.
Size scaled_size(const Resize& rule, const TensorSpec& wanted, Size photo) {
  if (rule.both_sides.y != 0) return {rule.both_sides.x, rule.both_sides.y};
  if (!rule.letterbox.empty()) {
    if (photo.height * wanted.width >= photo.width * wanted.height) {
      return {scaled_inside(photo.width, wanted.height, photo.height), wanted.height};
    }
    return {wanted.width, scaled_inside(photo.height, wanted.width, photo.width)};
  }
  const int64_t shorter = std::min(photo.width, photo.height);
  if (rule.shorter_side == 0 || rule.shorter_side == shorter) return photo;
  return {photo.width * rule.shorter_side / shorter, photo.height * rule.shorter_side / shorter};
}

Status check_size(const GraphInput& input, Size photo, Size scaled) {
  const std::string said = "'" + input.name + "': a photo of " + text(photo);
  if (std::max(scaled.width, scaled.height) > kMostScaled) {
    return {Code::kInput, said + " is too long for its width; cut it first"};
  }
  const TensorSpec& wanted = input.tensor;
  const Size size = {wanted.width, wanted.height};
  if (!input.resize.given()) {
    if (scaled.width == size.width && scaled.height == size.height) return {};
    return {Code::kInput, said +
                              " has another size than the input, and the file does not say how "
                              "one becomes it: it takes " +
                              text(size)};
  }
  const bool covers = scaled.width >= size.width && scaled.height >= size.height;
  if (covers || !input.resize.letterbox.empty()) return {};
  return {Code::kInput, said + ", scaled to " + text(scaled) + ", does not cover " + text(size)};
}

// Part of a scaled photo, and where it stands in the input.
struct Part {
  int64_t first;  // of the scaled pixels
  int64_t count;
  int64_t place;  // of its first pixel in the input
};

Part part_of(int64_t scaled, int64_t wanted) {
  if (scaled < wanted) return {0, scaled, (wanted - scaled) / 2};
  return {corner(scaled, wanted), wanted, 0};
}

void fill(const Resize& rule, const TensorSpec& wanted, uint8_t* pixels) {
  for (int64_t i = 0; i < element_count(wanted); ++i) {
    const auto channel = static_cast<size_t>(i % wanted.channels);
    pixels[i] = static_cast<uint8_t>(rule.letterbox[channel]);
  }
}

}  // namespace

Status fit_photo(const GraphInput& input, const Photo& photo, uint8_t* pixels) {
  const TensorSpec& wanted = input.tensor;
  const Resize& rule = input.resize;
  const Size whole = {photo.width, photo.height};
  const Size size = scaled_size(rule, wanted, whole);
  SIGNBIT_TRY(check_size(input, whole, size));
  const Part across = part_of(size.width, wanted.width);
  const Part down = part_of(size.height, wanted.height);
  if (!rule.letterbox.empty()) fill(rule, wanted, pixels);
  const AxisWeights columns =
      AxisWeights::of(rule, photo.width, size.width, across.first, across.count);
  const AxisWeights rows = AxisWeights::of(rule, photo.height, size.height, down.first, down.count);
  const int64_t channels = wanted.channels, first = rows.begin(), count = rows.end() - first;
  const std::vector<uint8_t> source = with_channels(photo, channels, rule.colours, first, count);
  // Rows of the photo with columns of the input; rounded in between, as Pillow does.
  const int64_t row = across.count * channels;
  std::vector<uint8_t> narrow(static_cast<size_t>(count * row));
  for (int64_t y = 0; y < count; ++y) {
    const uint8_t* const from = source.data() + (y * photo.width + columns.begin()) * channels;
    for (int64_t i = 0; i < row; ++i) {
      narrow[static_cast<size_t>(y * row + i)] =
          columns.pixel(i / channels, from + i % channels, channels);
    }
  }
  for (int64_t y = 0; y < down.count; ++y) {
    uint8_t* const to = pixels + ((down.place + y) * wanted.width + across.place) * channels;
    for (int64_t i = 0; i < row; ++i) to[i] = rows.pixel(y, narrow.data() + i, row);
  }
  return {};
}

}  // namespace sbnn
