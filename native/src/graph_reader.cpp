// The graph's JSON text into the Graph structure: keys and types checked, names resolved to
// indices. What the values mean is validate.cpp's.

#include <string>
#include <unordered_map>

#include "json_fields.h"

namespace sbnn {
namespace {

struct OpSpec {
  const char* name;
  Op op;
  Keys required;
  Keys optional;
};

const OpSpec kOps[] = {
    {"real_conv",
     Op::kRealConv,
     {"kernel", "stride", "padding", "dilation", "groups", "weight"},
     {"pad_value"}},
    {"binary_conv",
     Op::kBinaryConv,
     {"kernel", "stride", "padding", "dilation", "groups", "weight"},
     {"pool"}},
    {"max_pool", Op::kMaxPool, {"kernel", "stride", "padding"}, {}},
    {"avg_pool", Op::kAvgPool, {"kernel", "stride"}, {}},
    {"global_mean", Op::kGlobalMean, {}, {}},
    {"pointwise", Op::kPointwise, {}, {}},
};

class GraphReader {
 public:
  explicit GraphReader(Graph* graph) : graph_(graph) {
    for (size_t i = 0; i < graph->constants.size(); ++i) {
      constants_[graph->constants[i].name] = static_cast<int>(i);
    }
  }

  Status read(const Json& json) {
    if (!json.is(Json::Type::kObject)) return refuse_field("signbit", "must be a JSON object");
    SIGNBIT_TRY(check_version(json));
    SIGNBIT_TRY(check_keys(json, "signbit",
                           {"format", "input", "output", "classes", "source", "tensors", "nodes"}));
    SIGNBIT_TRY(read_list(*json.find("tensors"), "tensors", &GraphReader::read_tensor));
    SIGNBIT_TRY(read_input(*json.find("input")));
    SIGNBIT_TRY(read_tensor_name(*json.find("output"), "output", &graph_->output));
    SIGNBIT_TRY(read_list(*json.find("classes"), "classes", &GraphReader::read_class));
    SIGNBIT_TRY(read_source(*json.find("source")));
    return read_list(*json.find("nodes"), "nodes", &GraphReader::read_node);
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

  Status read_list(const Json& json, const std::string& where,
                   Status (GraphReader::*read_item)(const Json&, const std::string&)) {
    if (!json.is(Json::Type::kArray)) return refuse_field(where, "must be a list");
    if (static_cast<int64_t>(json.items.size()) > kMaxItems) {
      return refuse_field(where, "has " + std::to_string(json.items.size()) + " items, at most " +
                                     std::to_string(kMaxItems) + " are allowed");
    }
    for (size_t i = 0; i < json.items.size(); ++i) {
      SIGNBIT_TRY((this->*read_item)(json.items[i], where + "[" + std::to_string(i) + "]"));
    }
    return {};
  }

  Status read_tensor_name(const Json& json, const std::string& where, int* index) const {
    std::string name;
    SIGNBIT_TRY(read_string(json, where, &name));
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return refuse_field(where, "unknown tensor " + quoted(name));
    *index = found->second;
    return {};
  }

  Status read_constant_name(const Json& json, const std::string& where, int* index) const {
    std::string name;
    SIGNBIT_TRY(read_string(json, where, &name));
    const auto found = constants_.find(name);
    if (found == constants_.end()) {
      return refuse_field(where, "no tensor " + quoted(name) + " in the file");
    }
    *index = found->second;
    return {};
  }

  // The constant that an optional key names; kNone where the key is absent.
  Status read_optional(const Json& node, const char* key, const std::string& where, int* index) {
    const Json* value = node.find(key);
    return value == nullptr ? Status() : read_constant_name(*value, where + "." + key, index);
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
    if (!tensors_.emplace(tensor.name, static_cast<int>(graph_->tensors.size())).second) {
      return refuse_field(where + ".name", quoted(tensor.name) + " is declared twice");
    }
    graph_->tensors.push_back(std::move(tensor));
    return {};
  }

  Status read_input(const Json& json) {
    SIGNBIT_TRY(check_keys(json, "input", {"tensor", "resize_shorter_side", "interpolation"}));
    SIGNBIT_TRY(read_tensor_name(*json.find("tensor"), "input.tensor", &graph_->input));
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
    if (!json.is(Json::Type::kObject)) return refuse_field(where, "must be an object");
    const Json* op = json.find("op");
    const OpSpec* spec = nullptr;
    for (const OpSpec& known : kOps) {
      if (op != nullptr && op->is(Json::Type::kString) && op->string == known.name) spec = &known;
    }
    if (spec == nullptr) {
      return refuse_field(
          where + ".op", (op != nullptr && op->is(Json::Type::kString)
                              ? "unknown op " + quoted(op->string)
                              : std::string("must be the name of an op")) +
                             "; known are real_conv, binary_conv, max_pool, avg_pool, global_mean, "
                             "pointwise");
    }
    SIGNBIT_TRY(
        check_keys(json, where, {"name", "op", "input"},
                   {"scale", "shift", "shortcut", "activation", "slope", "real", "signs", "kernel",
                    "stride", "padding", "dilation", "groups", "weight", "pad_value", "pool"}));
    SIGNBIT_TRY(check_op_keys(json, where, *spec));
    Node node;
    node.op = spec->op;
    SIGNBIT_TRY(read_string(*json.find("name"), where + ".name", &node.name));
    SIGNBIT_TRY(read_tensor_name(*json.find("input"), where + ".input", &node.input));
    SIGNBIT_TRY(read_body(json, where, &node));
    SIGNBIT_TRY(read_epilogue(json, where, &node));
    graph_->nodes.push_back(std::move(node));
    return {};
  }

  // The keys of a body belong to some ops only.
  static Status check_op_keys(const Json& json, const std::string& where, const OpSpec& spec) {
    for (const char* key :
         {"kernel", "stride", "padding", "dilation", "groups", "weight", "pad_value", "pool"}) {
      const bool present = json.find(key) != nullptr;
      const bool required = contains(spec.required, key);
      if (required && !present) return refuse_field(where, "key " + quoted(key) + " is missing");
      if (present && !required && !contains(spec.optional, key)) {
        return refuse_field(where,
                            std::string("unknown key ") + quoted(key) + " for op " + spec.name);
      }
    }
    return {};
  }

  Status read_body(const Json& json, const std::string& where, Node* node) {
    const std::pair<const char*, Pair*> pairs[] = {{"kernel", &node->kernel},
                                                   {"stride", &node->stride},
                                                   {"padding", &node->padding},
                                                   {"dilation", &node->dilation}};
    for (const auto& [key, pair] : pairs) {
      const Json* value = json.find(key);
      if (value != nullptr) SIGNBIT_TRY(read_pair(*value, where + "." + key, pair));
    }
    if (const Json* groups = json.find("groups")) {
      SIGNBIT_TRY(read_integer(*groups, where + ".groups", &node->groups));
    }
    SIGNBIT_TRY(read_optional(json, "weight", where, &node->weight));
    SIGNBIT_TRY(read_optional(json, "pad_value", where, &node->pad_value));
    if (const Json* pool = json.find("pool")) {
      SIGNBIT_TRY(check_keys(*pool, where + ".pool", {"kernel", "stride"}));
      node->has_pool = true;
      SIGNBIT_TRY(read_pair(*pool->find("kernel"), where + ".pool.kernel", &node->pool.kernel));
      SIGNBIT_TRY(read_pair(*pool->find("stride"), where + ".pool.stride", &node->pool.stride));
    }
    return {};
  }

  Status read_epilogue(const Json& json, const std::string& where, Node* node) {
    SIGNBIT_TRY(read_optional(json, "scale", where, &node->scale));
    SIGNBIT_TRY(read_optional(json, "shift", where, &node->shift));
    if (const Json* shortcut = json.find("shortcut")) {
      SIGNBIT_TRY(read_shortcut(*shortcut, where + ".shortcut", &node->shortcut));
    }
    if (const Json* activation = json.find("activation")) {
      SIGNBIT_TRY(read_activation(*activation, where + ".activation", &node->activation));
    }
    SIGNBIT_TRY(read_optional(json, "slope", where, &node->slope));
    if (const Json* real = json.find("real")) {
      SIGNBIT_TRY(read_tensor_name(*real, where + ".real", &node->real));
    }
    if (const Json* signs = json.find("signs")) {
      pending_signs_.clear();
      SIGNBIT_TRY(read_list(*signs, where + ".signs", &GraphReader::read_sign_output));
      node->signs = pending_signs_;
    }
    return {};
  }

  Status read_shortcut(const Json& json, const std::string& where, Shortcut* shortcut) {
    SIGNBIT_TRY(check_keys(json, where, {"tensor", "stride", "offset"}));
    SIGNBIT_TRY(read_tensor_name(*json.find("tensor"), where + ".tensor", &shortcut->tensor));
    SIGNBIT_TRY(read_pair(*json.find("stride"), where + ".stride", &shortcut->stride));
    return read_integer(*json.find("offset"), where + ".offset", &shortcut->offset);
  }

  static Status read_activation(const Json& json, const std::string& where,
                                Activation* activation) {
    static const std::pair<const char*, Activation> kActivations[] = {
        {"relu", Activation::kRelu},
        {"hardtanh", Activation::kHardtanh},
        {"prelu", Activation::kPrelu},
        {"sigmoid", Activation::kSigmoid}};
    for (const auto& [name, value] : kActivations) {
      if (json.is(Json::Type::kString) && json.string == name) {
        *activation = value;
        return {};
      }
    }
    return refuse_field(where, "must be one of relu, hardtanh, prelu, sigmoid");
  }

  Status read_sign_output(const Json& json, const std::string& where) {
    SIGNBIT_TRY(check_keys(json, where, {"tensor", "threshold", "flip"}));
    SignOutput output;
    SIGNBIT_TRY(read_tensor_name(*json.find("tensor"), where + ".tensor", &output.tensor));
    SIGNBIT_TRY(
        read_constant_name(*json.find("threshold"), where + ".threshold", &output.threshold));
    SIGNBIT_TRY(read_constant_name(*json.find("flip"), where + ".flip", &output.flip));
    pending_signs_.push_back(output);
    return {};
  }

  Graph* graph_;
  std::unordered_map<std::string, int> tensors_;
  std::unordered_map<std::string, int> constants_;
  std::vector<SignOutput> pending_signs_;
};

}  // namespace

const char* op_name(Op op) {
  for (const OpSpec& spec : kOps) {
    if (spec.op == op) return spec.name;
  }
  return "";
}

Status read_graph(const std::string& json, Graph* graph) {
  Json value;
  SIGNBIT_TRY(parse_json(json.data(), json.size(), &value).within("signbit"));
  return GraphReader(graph).read(value);
}

}  // namespace sbnn
