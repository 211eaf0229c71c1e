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

// How large a photograph becomes: one of three keys.
Status read_way(const Json& json, const std::string& where, Resize* resize) {
  const Json* shorter = json.find("shorter_side");
  const Json* both = json.find("both_sides");
  const Json* letterbox = json.find("letterbox");
  const int given = (shorter != nullptr) + (both != nullptr) + (letterbox != nullptr);
  if (given != 1) {
    return refuse(where, "must have one of shorter_side, both_sides, letterbox, has " +
                             std::to_string(given));
  }
  if (shorter != nullptr) {
    return read_in_range(*shorter, where + ".shorter_side", 1, kMaxSize, &resize->shorter_side);
  }
  if (both != nullptr) {
    int64_t sides[2] = {};
    SIGNBIT_TRY(read_integers(*both, where + ".both_sides", 2, 1, kMaxSize, sides));
    resize->both_sides = {sides[0], sides[1]};
    return {};
  }
  return read_list(*letterbox, where + ".letterbox", 1, 3,
                   [&](const Json& item, const std::string& place) {
                     return read_in_range(item, place, 0, 255, &resize->letterbox.emplace_back());
                   });
}

Status read_resize(const Json& json, const std::string& where, Resize* resize) {
  SIGNBIT_TRY(check_object(
      json, where, {},
      {"shorter_side", "both_sides", "letterbox", "interpolation", "rule", "aliased", "colours"}));
  SIGNBIT_TRY(read_way(json, where, resize));
  size_t place = 0;
  if (const Json* interpolation = json.find("interpolation")) {
    SIGNBIT_TRY(read_choice(*interpolation, where + ".interpolation",
                            {"bilinear", "nearest", "bicubic"}, &place));
    resize->interpolation = static_cast<Interpolation>(place);
  }
  if (const Json* rule = json.find("rule")) {
    SIGNBIT_TRY(read_choice(*rule, where + ".rule", {"torchvision"}, &place));
  }
  const Json* aliased = json.find("aliased");
  resize->aliased = aliased != nullptr;
  if (aliased != nullptr) SIGNBIT_TRY(read_flag(*aliased, where + ".aliased"));
  const Json* colours = json.find("colours");
  if (colours == nullptr) return {};
  SIGNBIT_TRY(read_choice(*colours, where + ".colours", {"rgb", "bgr", "gray"}, &place));
  resize->colours = static_cast<Colours>(place);
  return {};
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
  if (resize != nullptr) SIGNBIT_TRY(read_resize(*resize, where + ".resize", &input->resize));
  const Json* table = json.find("table");
  return table == nullptr ? Status()
                          : read_constant(constants, *table, where + ".table", &input->table);
}

Status read_output(const ConstantIndices& constants, const Json& json, const std::string& where,
                   GraphOutput* output) {
  SIGNBIT_TRY(check_object(json, where, {"name", "tensor"}, {"classes", "confidence"}));
  SIGNBIT_TRY(read_string(*json.find("name"), where + ".name", &output->name));
  SIGNBIT_TRY(read_tensor(*json.find("tensor"), where + ".tensor", &output->tensor));
  const Json* classes = json.find("classes");
  if (classes != nullptr) {
    SIGNBIT_TRY(read_list(*classes, where + ".classes", 0, kMaxChannels,
                          [&](const Json& item, const std::string& place) {
                            return read_string(item, place, &output->classes.emplace_back());
                          }));
  }
  const Json* confidence = json.find("confidence");
  return confidence == nullptr
             ? Status()
             : read_constant(constants, *confidence, where + ".confidence", &output->confidence);
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
                          return read_output(constants, item, where,
                                             &graph->outputs.emplace_back());
                        }));
  const Json* source = json.find("source");
  if (source != nullptr) SIGNBIT_TRY(read_source(*source, graph));
  return read_nodes(constants, *json.find("nodes"), graph);
}

}  // namespace sbnn
