// The graph's JSON text into the Graph structure: keys and types checked, names resolved to
// indices. Nodes are node_reader.cpp's; what the values mean is validate.cpp's.

#include <string>

#include "format/json_fields.h"
#include "format/node_reader.h"

namespace sbnn {
namespace {

class GraphReader {
 public:
  explicit GraphReader(Graph* graph) : graph_(graph) {
    for (size_t i = 0; i < graph->constants.size(); ++i) {
      names_.constants[graph->constants[i].name] = static_cast<int>(i);
    }
  }

  Status read(const Json& json) {
    if (!json.is(Json::Type::kObject)) return refuse_field("signbit", "must be a JSON object");
    SIGNBIT_TRY(check_version(json));
    SIGNBIT_TRY(check_keys(json, "signbit",
                           {"format", "input", "output", "classes", "source", "tensors", "nodes"}));
    SIGNBIT_TRY(read_items(*json.find("tensors"), "tensors", &GraphReader::read_tensor));
    SIGNBIT_TRY(read_input(*json.find("input")));
    SIGNBIT_TRY(names_.read_tensor(*json.find("output"), "output", &graph_->output));
    SIGNBIT_TRY(read_items(*json.find("classes"), "classes", &GraphReader::read_class));
    SIGNBIT_TRY(read_source(*json.find("source")));
    return read_items(*json.find("nodes"), "nodes", &GraphReader::read_node);
  }

 private:
  // The version comes first: a newer format may well have keys this reader does not know.
  Status check_version(const Json& json) {
    const Json* format = json.find("format");
    if (format == nullptr || !format->is(Json::Type::kInteger)) {
      return refuse_field("format", "must be an integer");
    }
    if (format->integer > kFormatVersion) {
      return {Code::kModelVersion, "format: the file has version " +
                                       std::to_string(format->integer) +
                                       ", this engine reads up to " +
                                       std::to_string(kFormatVersion) + "; upgrade signbit"};
    }
    if (format->integer < 1) {
      return refuse_field("format", "must be at least 1, is " + std::to_string(format->integer));
    }
    graph_->format = format->integer;
    return {};
  }

  Status read_tensor(const Json& json, const std::string& where) {
    SIGNBIT_TRY(check_keys(json, where, {"name", "kind", "height", "width", "channels"}));
    TensorSpec tensor;
    SIGNBIT_TRY(read_string(*json.find("name"), where + ".name", &tensor.name));
    std::string kind;
    SIGNBIT_TRY(read_string(*json.find("kind"), where + ".kind", &kind));
    if (kind == "image") {
      tensor.kind = Kind::kImage;
    } else if (kind == "real") {
      tensor.kind = Kind::kReal;
    } else if (kind == "bits") {
      tensor.kind = Kind::kBits;
    } else {
      return refuse_field(where + ".kind", "must be one of image, real, bits");
    }
    SIGNBIT_TRY(read_integer(*json.find("height"), where + ".height", &tensor.height));
    SIGNBIT_TRY(read_integer(*json.find("width"), where + ".width", &tensor.width));
    SIGNBIT_TRY(read_integer(*json.find("channels"), where + ".channels", &tensor.channels));
    if (!names_.tensors.emplace(tensor.name, static_cast<int>(graph_->tensors.size())).second) {
      return refuse_field(where + ".name", quoted(tensor.name) + " is declared twice");
    }
    graph_->tensors.push_back(std::move(tensor));
    return {};
  }

  Status read_input(const Json& json) {
    SIGNBIT_TRY(check_keys(json, "input", {"tensor", "resize_shorter_side", "interpolation"},
                           {"resize_rule"}));
    SIGNBIT_TRY(names_.read_tensor(*json.find("tensor"), "input.tensor", &graph_->input));
    // How a photograph becomes an input is the caller's business; here it need only be valid.
    int64_t side = 0;
    SIGNBIT_TRY(
        read_integer(*json.find("resize_shorter_side"), "input.resize_shorter_side", &side));
    if (side < 1 || side > kMaxSize) {
      return refuse_field("input.resize_shorter_side", "must be 1 to " + std::to_string(kMaxSize) +
                                                           ", is " + std::to_string(side));
    }
    std::string interpolation;
    SIGNBIT_TRY(read_string(*json.find("interpolation"), "input.interpolation", &interpolation));
    if (interpolation != "bilinear" && interpolation != "nearest") {
      return refuse_field("input.interpolation", "must be one of bilinear, nearest");
    }
    if (const Json* rule = json.find("resize_rule")) {
      std::string name;
      SIGNBIT_TRY(read_string(*rule, "input.resize_rule", &name));
      if (name != "torchvision") {
        return refuse_field("input.resize_rule", "must be one of torchvision");
      }
    }
    return {};
  }

  Status read_class(const Json& json, const std::string& where) {
    graph_->classes.emplace_back();
    return read_string(json, where, &graph_->classes.back());
  }

  Status read_source(const Json& json) {
    if (!json.is(Json::Type::kObject)) return refuse_field("source", "must be an object");
    for (const auto& [key, value] : json.members) {
      std::string text;
      SIGNBIT_TRY(read_string(value, "source." + key, &text));
      graph_->source.emplace_back(key, text);
    }
    return {};
  }

  Status read_node(const Json& json, const std::string& where) {
    graph_->nodes.emplace_back();
    return sbnn::read_node(names_, json, where, &graph_->nodes.back());
  }

  Status read_items(const Json& json, const std::string& where,
                    Status (GraphReader::*read_item)(const Json&, const std::string&)) {
    return read_list(json, where, [&](const Json& item, const std::string& place) {
      return (this->*read_item)(item, place);
    });
  }

  Graph* graph_;
  GraphNames names_;
};

}  // namespace

Status read_graph(const std::string& json, Graph* graph) {
  Json value;
  SIGNBIT_TRY(parse_json(json.data(), json.size(), &value).within("signbit"));
  return GraphReader(graph).read(value);
}

}  // namespace sbnn
