#include "images/fit.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "images/resample.h"

namespace sbnn {
namespace {

std::string size_text(int64_t width, int64_t height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

// The photo with the channels of the input: gray by ITU-R 601 luma, colour by repeating.
std::vector<uint8_t> with_channels(const Photo& photo, int64_t channels, int64_t first_row,
                                   int64_t rows) {
  std::vector<uint8_t> result(static_cast<size_t>(rows * photo.width * channels));
  uint8_t* to = result.data();
  for (int64_t y = first_row; y < first_row + rows; ++y) {
    const uint8_t* from = photo.pixels + y * photo.row_bytes;
    for (int64_t x = 0; x < photo.width; ++x, from += photo.channels, to += channels) {
      if (photo.channels == 1) {
        std::fill_n(to, channels, from[0]);
      } else if (channels == 1) {
        to[0] = static_cast<uint8_t>(
            (from[0] * 19595 + from[1] * 38470 + from[2] * 7471 + 0x8000) >> 16);
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

}  // namespace

Status fit_photo(const GraphInput& input, const Photo& photo, uint8_t* pixels) {
  const TensorSpec& wanted = input.tensor;
  int64_t width = photo.width, height = photo.height;
  const int64_t shorter = std::min(width, height);
  if (input.shorter_side != 0 && shorter != input.shorter_side) {
    width = width * input.shorter_side / shorter;
    height = height * input.shorter_side / shorter;
  }
  if (std::max(width, height) > kMostScaled) {
    return {Code::kInput, "'" + input.name + "': a photo of " +
                              size_text(photo.width, photo.height) +
                              " is too long for its width; cut it first"};
  }
  const bool fits = input.shorter_side != 0 ? width >= wanted.width && height >= wanted.height
                                            : width == wanted.width && height == wanted.height;
  if (!fits) {
    return {Code::kInput, "'" + input.name + "': a photo of " +
                              size_text(photo.width, photo.height) +
                              (input.shorter_side == 0
                                   ? " has another size than the input, and the file does not say "
                                     "how one becomes it"
                                   : ", scaled to " + size_text(width, height) + ",") +
                              (input.shorter_side == 0 ? ": it takes " : " does not cover ") +
                              size_text(wanted.width, wanted.height)};
  }
  const int64_t left = corner(width, wanted.width), top = corner(height, wanted.height);
  const auto axis = input.nearest ? AxisWeights::nearest : AxisWeights::bilinear;
  const AxisWeights columns = axis(photo.width, width, left, wanted.width);
  const AxisWeights rows = axis(photo.height, height, top, wanted.height);
  const int64_t channels = wanted.channels, first = rows.begin(), count = rows.end() - first;
  const std::vector<uint8_t> source = with_channels(photo, channels, first, count);
  // Rows of the photo with columns of the input; rounded in between, as Pillow does.
  const int64_t row = wanted.width * channels;
  std::vector<uint8_t> narrow(static_cast<size_t>(count * row));
  for (int64_t y = 0; y < count; ++y) {
    const uint8_t* const from = source.data() + (y * photo.width + columns.begin()) * channels;
    for (int64_t i = 0; i < row; ++i) {
      narrow[static_cast<size_t>(y * row + i)] =
          columns.pixel(i / channels, from + i % channels, channels);
    }
  }
  for (int64_t y = 0; y < wanted.height; ++y) {
    for (int64_t i = 0; i < row; ++i) pixels[y * row + i] = rows.pixel(y, narrow.data() + i, row);
  }
  return {};
}

}  // namespace sbnn
