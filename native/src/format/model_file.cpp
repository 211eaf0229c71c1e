// The safetensors container: every size and offset is checked before it is used.

#include <cstring>
#include <string>

#include "format/graph.h"
#include "format/json.h"
#include "format/other_size.h"

namespace sbnn {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxDimensions = 4;

struct DTypeName {
  const char* name;
  DType dtype;
  int64_t bytes;
};
constexpr DTypeName kDTypes[] = {{"U64", DType::kU64, 8},
                                 {"F32", DType::kF32, 4},
                                 {"I32", DType::kI32, 4},
                                 {"I16", DType::kI16, 2},
                                 {"U8", DType::kU8, 1}};

Status refuse(const std::string& message) { return {Code::kModelFile, message}; }

uint64_t little_endian(const uint8_t* bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) value |= uint64_t{bytes[i]} << (8 * i);
  return value;
}

Status read_sizes(const Json& value, const std::string& where, std::vector<int64_t>* sizes) {
  if (!value.is(Json::Type::kArray)) return refuse(where + ": must be a list");
  for (const Json& item : value.items) {
    if (!item.is(Json::Type::kInteger) || item.integer < 0) {
      return refuse(where + ": must hold non-negative integers");
    }
    sizes->push_back(item.integer);
  }
  return {};
}

// One tensor of the header, which must begin at `position` of a body of `limit` bytes.
Status read_entry(const std::string& name, const Json& entry, int64_t position, int64_t limit,
                  Constant* constant) {
  const Json* dtype = entry.find("dtype");
  const Json* shape = entry.find("shape");
  const Json* offsets = entry.find("data_offsets");
  if (dtype == nullptr || shape == nullptr || offsets == nullptr || entry.members.size() != 3) {
    return refuse(name + ": must have dtype, shape and data_offsets, and no other key");
  }
  int64_t bytes = 0;
  for (const DTypeName& known : kDTypes) {
    if (dtype->is(Json::Type::kString) && dtype->string == known.name) {
      constant->dtype = known.dtype;
      bytes = known.bytes;
    }
  }
  if (bytes == 0) return refuse(name + ".dtype: must be one of U64, F32, I32, I16, U8");
  SIGNBIT_TRY(read_sizes(*shape, name + ".shape", &constant->shape));
  std::vector<int64_t> bounds;
  SIGNBIT_TRY(read_sizes(*offsets, name + ".data_offsets", &bounds));
  if (constant->shape.size() > kMaxDimensions) {
    return refuse(name + ".shape: has " + std::to_string(constant->shape.size()) +
                  " dimensions, at most 4 are allowed");
  }
  if (bounds.size() != 2 || bounds[0] != position || bounds[1] < position) {
    return refuse(name + ".data_offsets: must be [" + std::to_string(position) +
                  ", end], so that tensors follow each other without overlap or gap");
  }
  if (bounds[1] > limit) {
    return refuse(name + ".data_offsets: ends at byte " + std::to_string(bounds[1]) +
                  ", the file has " + std::to_string(limit) + " bytes of tensors; truncated");
  }
  const int64_t given = bounds[1] - bounds[0];
  for (const int64_t size : constant->shape) {
    // Stops a product before it passes any file's size.
    if (size == 0) return refuse(name + ".shape: has a size of 0");
    if (bytes > INT64_MAX / size) return refuse(name + ".shape: the product overflows");
    bytes *= size;
  }
  if (bytes != given) {
    return refuse(name + ".shape: needs " + std::to_string(bytes) +
                  " bytes, data_offsets give it " + std::to_string(given));
  }
  constant->name = name;
  constant->bytes = static_cast<size_t>(bytes);
  return {};
}

Status read_constants(const Json& header, const uint8_t* body, size_t size, Graph* graph) {
  const auto limit = static_cast<int64_t>(size);
  int64_t position = 0;
  for (const auto& [name, entry] : header.members) {
    if (name == "__metadata__") continue;
    Constant constant;
    SIGNBIT_TRY(read_entry(name, entry, position, limit, &constant));
    constant.data = body + position;
    position += static_cast<int64_t>(constant.bytes);
    graph->constants.push_back(std::move(constant));
  }
  if (position != limit) {
    return refuse("header: tensors end at byte " + std::to_string(position) + ", the file has " +
                  std::to_string(limit) + " bytes of them");
  }
  return {};
}

}  // namespace

Status read_model(const uint8_t* data, size_t size, Pair input_size, Graph* graph) {
  *graph = Graph();
  if (size < kLengthBytes) {
    return refuse("header: the file has " + std::to_string(size) +
                  " bytes, not even a header length");
  }
  const uint64_t length = little_endian(data);
  if (length > static_cast<uint64_t>(kMaxHeaderBytes)) {
    return refuse("header: claims " + std::to_string(length) + " bytes, at most " +
                  std::to_string(kMaxHeaderBytes) + " are allowed; not an .sbnn file");
  }
  if (length > size - kLengthBytes) {
    return refuse("header: claims " + std::to_string(length) + " bytes, the file has " +
                  std::to_string(size - kLengthBytes) + " after the length; truncated");
  }
  Json header;
  const auto header_size = static_cast<size_t>(length);
  SIGNBIT_TRY(parse_json(reinterpret_cast<const char*>(data) + kLengthBytes, header_size, &header)
                  .within("header"));
  if (!header.is(Json::Type::kObject)) return refuse("header: must be a JSON object");
  const Json* metadata = header.find("__metadata__");
  const Json* json = metadata == nullptr ? nullptr : metadata->find("signbit");
  if (json == nullptr || metadata->members.size() != 1) {
    return refuse("__metadata__: must have the one key 'signbit'; not an .sbnn file");
  }
  if (!json->is(Json::Type::kString)) return refuse("__metadata__.signbit: must be a string");
  if (static_cast<int64_t>(header.members.size()) - 1 > kMaxItems) {
    return refuse("header: " + std::to_string(header.members.size() - 1) + " tensors, at most " +
                  std::to_string(kMaxItems) + " are allowed");
  }
  SIGNBIT_TRY(read_constants(header, data + kLengthBytes + header_size,
                             size - kLengthBytes - header_size, graph));
  graph->json = json->string;
  SIGNBIT_TRY(read_graph(graph->json, graph));
  SIGNBIT_TRY(set_input_size(input_size, graph));
  return validate(graph);
}

}  // namespace sbnn
