// A photograph to a network's input, as its file says: scaled, cut or framed, channels matched.
// The pixels equal those of signbit.data.pixels.images.fit, which uses Pillow.
#pragma once

#include <cstdint>

#include "format/graph.h"
#include "signbit/status.h"

namespace sbnn {

// Decoded pixels; of 4 channels the last is left out.
struct Photo {
  const uint8_t* pixels = nullptr;
  int64_t height = 0, width = 0, channels = 0;
  int64_t row_bytes = 0;
};

// Writes the pixels of `input`, an image of 1 or 3 channels. kInput where the photo cannot become
// it. Throws std::bad_alloc.
Status fit_photo(const GraphInput& input, const Photo& photo, uint8_t* pixels);

}  // namespace sbnn
