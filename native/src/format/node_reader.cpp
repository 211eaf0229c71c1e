#include "format/node_reader.h"

#include "format/json_fields.h"

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
     {"pool", "map", "sums"}},
    {"max_pool", Op::kMaxPool, {"kernel", "stride", "padding"}, {}},
    {"avg_pool", Op::kAvgPool, {"kernel", "stride"}, {}},
    {"global_mean", Op::kGlobalMean, {}, {}},
    {"pointwise", Op::kPointwise, {}, {"map"}},
    {"sign_sum", Op::kSignSum, {"kernel", "stride", "padding", "dilation", "groups"}, {}},
    {"mean_abs", Op::kMeanAbs, {}, {}},
};

// A name of a table's rows, or an error that lists them all.
template <typename Row, size_t kCount>
Status read_choice(const Json& json, const std::string& where, const Row (&rows)[kCount],
                   const Row** found) {
  std::string known;
  for (const Row& row : rows) {
    if (json.is(Json::Type::kString) && json.string == row.name) {
      *found = &row;
      return {};
    }
    known += std::string(known.empty() ? "" : ", ") + row.name;
  }
  return refuse_field(
      where, "must be one of " + known +
                 (json.is(Json::Type::kString) ? ", is " + quoted(json.string) : std::string()));
}

class NodeReader {
 public:
  NodeReader(const GraphNames& names, const Json& json, const std::string& where, Node* node)
      : names_(names), json_(json), where_(where), node_(*node) {}

  Status read() {
    if (!json_.is(Json::Type::kObject)) return refuse_field(where_, "must be an object");
    // The op comes first: it decides which keys a node has.
    const OpSpec* spec = nullptr;
    const Json* op = json_.find("op");
    SIGNBIT_TRY(read_choice(op == nullptr ? Json() : *op, where_ + ".op", kOps, &spec));
    SIGNBIT_TRY(check_keys(json_, where_, {"name", "op", "input"},
                           {"scale", "shift", "shortcut", "activation", "slope", "positive_slope",
                            "offset", "real", "signs", "kernel", "stride", "padding", "dilation",
                            "groups", "weight", "pad_value", "pool", "map", "sums"}));
    SIGNBIT_TRY(check_op_keys(*spec));
    node_.op = spec->op;
    SIGNBIT_TRY(read_string(*json_.find("name"), where_ + ".name", &node_.name));
    SIGNBIT_TRY(names_.read_tensor(*json_.find("input"), where_ + ".input", &node_.input));
    SIGNBIT_TRY(read_body());
    SIGNBIT_TRY(read_dots());
    return read_epilogue();
  }

 private:
  // The keys of a body belong to some ops only.
  Status check_op_keys(const OpSpec& spec) const {
    for (const char* key : {"kernel", "stride", "padding", "dilation", "groups", "weight",
                            "pad_value", "pool", "map", "sums"}) {
      const bool present = json_.find(key) != nullptr;
      const bool required = contains(spec.required, key);
      if (required && !present) return refuse_field(where_, "key " + quoted(key) + " is missing");
      if (present && !required && !contains(spec.optional, key)) {
        return refuse_field(where_,
                            std::string("unknown key ") + quoted(key) + " for op " + spec.name);
      }
    }
    return {};
  }

  // The constant that an optional key names; kNone where the key is absent.
  Status read_constant(const char* key, int* index) const {
    const Json* value = json_.find(key);
    return value == nullptr ? Status() : names_.read_constant(*value, where_ + "." + key, index);
  }

  // The same for a tensor.
  Status read_tensor(const char* key, int* index) const {
    const Json* value = json_.find(key);
    return value == nullptr ? Status() : names_.read_tensor(*value, where_ + "." + key, index);
  }

  Status read_body() {
    const std::pair<const char*, Pair*> pairs[] = {{"kernel", &node_.kernel},
                                                   {"stride", &node_.stride},
                                                   {"padding", &node_.padding},
                                                   {"dilation", &node_.dilation}};
    for (const auto& [key, pair] : pairs) {
      const Json* value = json_.find(key);
      if (value != nullptr) SIGNBIT_TRY(read_pair(*value, where_ + "." + key, pair));
    }
    if (const Json* groups = json_.find("groups")) {
      SIGNBIT_TRY(read_integer(*groups, where_ + ".groups", &node_.groups));
    }
    SIGNBIT_TRY(read_constant("weight", &node_.weight));
    return read_constant("pad_value", &node_.pad_value);
  }

  // What a binary convolution does with its dots; a pointwise node has the map too.
  Status read_dots() {
    if (const Json* pool = json_.find("pool")) {
      SIGNBIT_TRY(check_keys(*pool, where_ + ".pool", {"kernel", "stride"}));
      node_.has_pool = true;
      SIGNBIT_TRY(read_pair(*pool->find("kernel"), where_ + ".pool.kernel", &node_.pool.kernel));
      SIGNBIT_TRY(read_pair(*pool->find("stride"), where_ + ".pool.stride", &node_.pool.stride));
    }
    SIGNBIT_TRY(read_tensor("map", &node_.map));
    const Json* sums = json_.find("sums");
    if (sums == nullptr) return {};
    const std::string where = where_ + ".sums";
    SIGNBIT_TRY(check_keys(*sums, where, {"tensor", "scale"}));
    SIGNBIT_TRY(names_.read_tensor(*sums->find("tensor"), where + ".tensor", &node_.sums.tensor));
    return names_.read_constant(*sums->find("scale"), where + ".scale", &node_.sums.scale);
  }

  Status read_epilogue() {
    SIGNBIT_TRY(read_constant("scale", &node_.scale));
    SIGNBIT_TRY(read_constant("shift", &node_.shift));
    if (const Json* shortcut = json_.find("shortcut")) {
      SIGNBIT_TRY(read_shortcut(*shortcut, where_ + ".shortcut"));
    }
    if (const Json* activation = json_.find("activation")) {
      SIGNBIT_TRY(read_activation(*activation, where_ + ".activation"));
    }
    SIGNBIT_TRY(read_constant("slope", &node_.slope));
    SIGNBIT_TRY(read_constant("positive_slope", &node_.positive_slope));
    SIGNBIT_TRY(read_constant("offset", &node_.offset));
    SIGNBIT_TRY(read_tensor("real", &node_.real));
    const Json* signs = json_.find("signs");
    if (signs == nullptr) return {};
    return read_list(*signs, where_ + ".signs", [this](const Json& item, const std::string& where) {
      return read_sign_output(item, where);
    });
  }

  Status read_shortcut(const Json& json, const std::string& where) {
    Shortcut& shortcut = node_.shortcut;
    SIGNBIT_TRY(check_keys(json, where, {"tensor", "stride", "offset"}, {"repeat"}));
    SIGNBIT_TRY(names_.read_tensor(*json.find("tensor"), where + ".tensor", &shortcut.tensor));
    SIGNBIT_TRY(read_pair(*json.find("stride"), where + ".stride", &shortcut.stride));
    if (const Json* repeat = json.find("repeat")) {
      if (!repeat->is(Json::Type::kBool) || !repeat->boolean) {
        return refuse_field(where + ".repeat", "must be true where it is given");
      }
      shortcut.repeat = true;
    }
    return read_integer(*json.find("offset"), where + ".offset", &shortcut.offset);
  }

  Status read_activation(const Json& json, const std::string& where) {
    static const struct Row {
      const char* name;
      Activation activation;
    } kActivations[] = {{"relu", Activation::kRelu},
                        {"hardtanh", Activation::kHardtanh},
                        {"prelu", Activation::kPrelu},
                        {"sigmoid", Activation::kSigmoid},
                        {"maxout", Activation::kMaxout}};
    const Row* found = nullptr;
    SIGNBIT_TRY(read_choice(json, where, kActivations, &found));
    node_.activation = found->activation;
    return {};
  }

  Status read_sign_output(const Json& json, const std::string& where) {
    SIGNBIT_TRY(check_keys(json, where, {"tensor", "threshold", "flip"}));
    SignOutput output;
    SIGNBIT_TRY(names_.read_tensor(*json.find("tensor"), where + ".tensor", &output.tensor));
    SIGNBIT_TRY(
        names_.read_constant(*json.find("threshold"), where + ".threshold", &output.threshold));
    SIGNBIT_TRY(names_.read_constant(*json.find("flip"), where + ".flip", &output.flip));
    node_.signs.push_back(output);
    return {};
  }

  const GraphNames& names_;
  const Json& json_;
  const std::string& where_;
  Node& node_;
};

}  // namespace

Status GraphNames::read_tensor(const Json& json, const std::string& where, int* index) const {
  std::string name;
  SIGNBIT_TRY(read_string(json, where, &name));
  const auto found = tensors.find(name);
  if (found == tensors.end()) return refuse_field(where, "unknown tensor " + quoted(name));
  *index = found->second;
  return {};
}

Status GraphNames::read_constant(const Json& json, const std::string& where, int* index) const {
  std::string name;
  SIGNBIT_TRY(read_string(json, where, &name));
  const auto found = constants.find(name);
  if (found == constants.end()) {
    return refuse_field(where, "no tensor " + quoted(name) + " in the file");
  }
  *index = found->second;
  return {};
}

Status read_node(const GraphNames& names, const Json& json, const std::string& where, Node* node) {
  return NodeReader(names, json, where, node).read();
}

const char* op_name(Op op) {
  for (const OpSpec& spec : kOps) {
    if (spec.op == op) return spec.name;
  }
  return "";
}

}  // namespace sbnn
