// The graph's JSON text into the Graph structure: keys, types and ranges checked, constants found
// by their numbers. Nodes are node_reader.cpp's; what the values mean is validate/'s.

#include <string>

#include "format/json_fields.h"
#include "format/node_reader.h"

namespace sbnn {
namespace {

// The version comes first: a newer format may well have keys this reader does not know.
Status check_version(const Json& json) {
  const Json* given = json.find("format");
  int64_t version = 0;
  SIGNBIT_TRY(read_integer(given == nullptr ? Json() : *given, "format", &version));
  if (version > kFormatVersion) {
    return {Code::kModelVersion, "format: the file has version " + std::to_string(version) +
                                     ", this engine reads up to " + std::to_string(kFormatVersion) +
                                     "; upgrade signbit"};
  }
  if (version < 1) return refuse("format", "must be at least 1, is " + std::to_string(version));
  return {};
}

Status read_shape(const Json& json, const std::string& where, TensorSpec* tensor) {
  if (!json.is(Json::Type::kArray) || json.items.size() != 3) {
    return refuse(where, "must be a list of 3 integers");
  }
  SIGNBIT_TRY(read_in_range(json.items[0], where + "[0]", 1, kMaxSize, &tensor->height));
  SIGNBIT_TRY(read_in_range(json.items[1], where + "[1]", 1, kMaxSize, &tensor->width));
  return read_in_range(json.items[2], where + "[2]", 1, kMaxChannels, &tensor->channels);
}

Status read_resize(const Json& json, const std::string& where, GraphInput* input) {
  SIGNBIT_TRY(check_object(json, where, {"shorter_side"}, {"interpolation", "rule"}));
  SIGNBIT_TRY(read_in_range(*json.find("shorter_side"), where + ".shorter_side", 1, kMaxSize,
                            &input->shorter_side));
  size_t place = 0;
  if (const Json* interpolation = json.find("interpolation")) {
    SIGNBIT_TRY(
        read_choice(*interpolation, where + ".interpolation", {"bilinear", "nearest"}, &place));
    input->nearest = place == 1;
  }
  const Json* rule = json.find("rule");
  return rule == nullptr ? Status() : read_choice(*rule, where + ".rule", {"torchvision"}, &place);
}

Status read_input(const ConstantIndices& constants, const Json& json, const std::string& where,
                  GraphInput* input) {
  SIGNBIT_TRY(check_object(json, where, {"name", "kind", "shape"}, {"resize", "table"}));
  SIGNBIT_TRY(read_string(*json.find("name"), where + ".name", &input->name));
  size_t kind = 0;
  SIGNBIT_TRY(read_choice(*json.find("kind"), where + ".kind", {"image", "real"}, &kind));
  input->tensor.kind = kind == 0 ? Kind::kImage : Kind::kReal;
  SIGNBIT_TRY(read_shape(*json.find("shape"), where + ".shape", &input->tensor));
  const Json* resize = json.find("resize");
  if (resize != nullptr) SIGNBIT_TRY(read_resize(*resize, where + ".resize", input));
  const Json* table = json.find("table");
  return table == nullptr ? Status()
                          : read_constant(constants, *table, where + ".table", &input->table);
}

Status read_output(const Json& json, const std::string& where, GraphOutput* output) {
  SIGNBIT_TRY(check_object(json, where, {"name", "tensor"}, {"classes"}));
  SIGNBIT_TRY(read_string(*json.find("name"), where + ".name", &output->name));
  SIGNBIT_TRY(read_tensor(*json.find("tensor"), where + ".tensor", &output->tensor));
  const Json* classes = json.find("classes");
  if (classes == nullptr) return {};
  return read_list(*classes, where + ".classes", 0, kMaxChannels,
                   [&](const Json& item, const std::string& place) {
                     return read_string(item, place, &output->classes.emplace_back());
                   });
}

Status read_source(const Json& json, Graph* graph) {
  if (!json.is(Json::Type::kObject)) return refuse("source", "must be an object");
  for (const auto& [key, value] : json.members) {
    std::string text;
    SIGNBIT_TRY(read_string(value, "source." + key, &text));
    graph->source.emplace_back(key, std::move(text));
  }
  return {};
}

ConstantIndices indices_of(const Graph& graph) {
  ConstantIndices constants;
  for (size_t i = 0; i < graph.constants.size(); ++i) {
    constants[graph.constants[i].name] = static_cast<int>(i);
  }
  return constants;
}

Status read_nodes(const ConstantIndices& constants, const Json& json, Graph* graph) {
  return read_list(json, "nodes", 0, kMaxItems, [&](const Json& item, const std::string& where) {
    return read_node(constants, item, where, &graph->nodes.emplace_back());
  });
}

}  // namespace

Status read_graph(const std::string& text, Graph* graph) {
  Json json;
  SIGNBIT_TRY(parse_json(text.data(), text.size(), &json).within("signbit"));
  if (!json.is(Json::Type::kObject)) return refuse("signbit", "must be a JSON object");
  SIGNBIT_TRY(check_version(json));
  SIGNBIT_TRY(check_object(json, "signbit", {"format", "inputs", "outputs", "nodes"},
                           {"any_size", "source"}));
  const Json* any_size = json.find("any_size");
  graph->any_size = any_size != nullptr;
  if (any_size != nullptr) SIGNBIT_TRY(read_flag(*any_size, "any_size"));
  const ConstantIndices constants = indices_of(*graph);
  SIGNBIT_TRY(read_list(*json.find("inputs"), "inputs", 0, kMaxOperands,
                        [&](const Json& item, const std::string& where) {
                          return read_input(constants, item, where, &graph->inputs.emplace_back());
                        }));
  SIGNBIT_TRY(read_list(*json.find("outputs"), "outputs", 0, kMaxOutputs,
                        [&](const Json& item, const std::string& where) {
                          return read_output(item, where, &graph->outputs.emplace_back());
                        }));
  const Json* source = json.find("source");
  if (source != nullptr) SIGNBIT_TRY(read_source(*source, graph));
  return read_nodes(constants, *json.find("nodes"), graph);
}

}  // namespace sbnn
