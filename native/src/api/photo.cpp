// A photograph becomes an input.
#include <string>

#include "api/failure.h"
#include "api/handles.h"
#include "images/fit.h"

using sbnn::Status;
using sbnn::api::guarded;
using sbnn::api::refused;
using sbnn::api::wrong;

namespace {

constexpr int64_t kMostSide = 1 << 20;

// The photo in the engine's terms, once its numbers make sense.
Status read_photo(const signbit_photo& photo, sbnn::Photo* read) {
  if (photo.size < sizeof(signbit_photo)) return wrong("photo.size: must be sizeof(signbit_photo)");
  if (photo.pixels == nullptr) return wrong("photo.pixels: must not be null");
  if (photo.height < 1 || photo.height > kMostSide || photo.width < 1 || photo.width > kMostSide) {
    return wrong("photo.height and width: must be 1 to " + std::to_string(kMostSide));
  }
  if (photo.channels != 1 && photo.channels != 3 && photo.channels != 4) {
    return wrong("photo.channels: must be 1, 3 or 4, is " + std::to_string(photo.channels));
  }
  const int64_t row = photo.width * photo.channels;
  if (photo.row_bytes != 0 && photo.row_bytes < row) {
    return wrong("photo.row_bytes: must be 0 or at least " + std::to_string(row));
  }
  *read = {photo.pixels, photo.height, photo.width, photo.channels,
           photo.row_bytes == 0 ? row : photo.row_bytes};
  return {};
}

}  // namespace

signbit_status signbit_fit_photo(const signbit_model* model, size_t input,
                                 const signbit_photo* photo, uint8_t* pixels, size_t bytes) {
  if (model == nullptr || photo == nullptr || pixels == nullptr) {
    return refused("model, photo or pixels: must not be null");
  }
  return guarded([&]() -> Status {
    const sbnn::Graph& graph = model->engine->graph();
    if (input >= graph.inputs.size() || graph.tensors[input].kind != sbnn::Kind::kImage) {
      return wrong("input: " + std::to_string(input) + " is no image of this model");
    }
    const int64_t elements = element_count(graph.tensors[input]);
    if (bytes != static_cast<size_t>(elements)) {
      return wrong("bytes: must be " + std::to_string(elements) + ", is " + std::to_string(bytes));
    }
    sbnn::Photo read;
    SIGNBIT_TRY(read_photo(*photo, &read));
    return fit_photo(graph.inputs[input], read, pixels);
  });
}
