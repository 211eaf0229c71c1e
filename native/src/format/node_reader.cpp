#include "format/node_reader.h"

#include "format/json_fields.h"
#include "format/table.h"

namespace sbnn {
namespace {

class NodeReader {
 public:
  NodeReader(const ConstantIndices& constants, Node* node) : constants_(constants), node_(*node) {}

  Status read(const Json& json, const std::string& where) {
    // The op comes first: it decides which keys a node has.
    size_t op = 0;
    SIGNBIT_TRY(read_op(json, where, operation_names(), &op));
    node_.op = static_cast<Op>(op);
    const OperationRow& row = row_of(node_.op);
    SIGNBIT_TRY(check_keys(json, where, row, {"name", "op", "inputs"}, {"steps", "outputs"}));
    SIGNBIT_TRY(read_string(*json.find("name"), where + ".name", &node_.name));
    SIGNBIT_TRY(read_list(*json.find("inputs"), where + ".inputs", 0, kMaxOperands,
                          [this](const Json& item, const std::string& place) {
                            return read_tensor(item, place, &node_.inputs.emplace_back());
                          }));
    SIGNBIT_TRY(read_keys(json, where, row, &node_.keys));
    if (const Json* steps = json.find("steps")) {
      SIGNBIT_TRY(read_list(*steps, where + ".steps", 0, kMaxSteps,
                            [this](const Json& item, const std::string& place) {
                              return read_step(item, place, &node_.steps.emplace_back());
                            }));
    }
    const Json* outputs = json.find("outputs");
    if (outputs == nullptr) {
      node_.outputs.push_back(after_all_steps());
      return {};
    }
    return read_list(*outputs, where + ".outputs", 1, kMaxOutputs,
                     [this](const Json& item, const std::string& place) {
                       return read_output(item, place, &node_.outputs.emplace_back());
                     });
  }

 private:
  static Status read_op(const Json& json, const std::string& where, const Names& names,
                        size_t* place) {
    if (!json.is(Json::Type::kObject)) return refuse(where, "must be an object");
    const Json* op = json.find("op");
    return read_choice(op == nullptr ? Json() : *op, where + ".op", names, place);
  }

  // A row's keys beside those that all of its kind have.
  template <typename Row>
  static Status check_keys(const Json& json, const std::string& where, const Row& row,
                           Names required, Names optional) {
    for (size_t i = 0; i < row.key_count; ++i) {
      const KeyRow& key = row_of(row.keys[i]);
      (key.required ? required : optional).push_back(key.name);
    }
    return check_object(json, where, required, optional);
  }

  template <typename Row>
  Status read_keys(const Json& json, const std::string& where, const Row& row, Keys* keys) const {
    for (size_t i = 0; i < row.key_count; ++i) {
      const KeyRow& key = row_of(row.keys[i]);
      const Json* given = json.find(key.name);
      if (given == nullptr) continue;
      Value value;
      SIGNBIT_TRY(read_value(key, *given, where + "." + key.name, &value));
      keys->set(row.keys[i], std::move(value));
    }
    return {};
  }

  Status read_value(const KeyRow& key, const Json& json, const std::string& where,
                    Value* value) const {
    int64_t* numbers = value->numbers.data();
    switch (key.type) {
      case KeyType::kPair:
        return read_integers(json, where, 2, key.least, key.most, numbers);
      case KeyType::kSides:
        return read_integers(json, where, 4, key.least, key.most, numbers);
      case KeyType::kInteger:
        return read_in_range(json, where, key.least, key.most, numbers);
      case KeyType::kFlag:
        numbers[0] = 1;
        return read_flag(json, where);
      case KeyType::kChoice:
        return read_named(key, json, where, numbers);
      case KeyType::kConstant: {
        int index = kNone;
        SIGNBIT_TRY(read_constant(constants_, json, where, &index));
        numbers[0] = index;
        return {};
      }
      case KeyType::kOperand:
        return read_in_range(json, where, 0, kMaxOperands - 1, numbers);
      case KeyType::kTaps:
        return read_taps(json, where, &value->taps);
    }
    return {};
  }

  static Status read_named(const KeyRow& key, const Json& json, const std::string& where,
                           int64_t* number) {
    Names names;
    for (const char* const* name = key.choices; *name != nullptr; ++name) names.push_back(*name);
    size_t place = 0;
    SIGNBIT_TRY(read_choice(json, where, names, &place));
    *number = static_cast<int64_t>(place);
    return {};
  }

  static Status read_taps(const Json& json, const std::string& where, std::vector<TapRange>* taps) {
    return read_list(json, where, 0, kMaxSize, [&](const Json& item, const std::string& place) {
      int64_t range[2];
      SIGNBIT_TRY(read_integers(item, place, 2, 0, kMaxSize, range));
      taps->push_back({range[0], range[1]});
      return Status();
    });
  }

  // n is the file's tensor called "n".
  Status read_step(const Json& json, const std::string& where, Step* step) const {
    size_t op = 0;
    SIGNBIT_TRY(read_op(json, where, step_names(), &op));
    step->op = static_cast<StepOp>(op);
    const StepRow& row = row_of(step->op);
    SIGNBIT_TRY(check_keys(json, where, row, {"op"}, {}));
    return read_keys(json, where, row, &step->keys);
  }

  Output after_all_steps() const {
    Output output;
    output.after = static_cast<int64_t>(node_.steps.size());
    return output;
  }

  Status read_output(const Json& json, const std::string& where, Output* output) const {
    SIGNBIT_TRY(check_object(json, where, {"kind"}, {"after", "threshold", "flip"}));
    *output = after_all_steps();
    size_t kind = 0;
    SIGNBIT_TRY(read_choice(*json.find("kind"), where + ".kind", {"real", "signs"}, &kind));
    output->kind = kind == 0 ? Kind::kReal : Kind::kBits;
    if (const Json* after = json.find("after")) {
      SIGNBIT_TRY(read_in_range(*after, where + ".after", 0, kMaxSteps, &output->after));
    }
    const std::pair<const char*, int*> constants[] = {{"threshold", &output->threshold},
                                                      {"flip", &output->flip}};
    for (const auto& [key, index] : constants) {
      if (const Json* given = json.find(key)) {
        SIGNBIT_TRY(read_constant(constants_, *given, where + "." + key, index));
      }
    }
    for (const auto& [key, index] : constants) {
      if (output->kind == Kind::kReal && *index != kNone) {
        return refuse(where + "." + key, "goes with signs");
      }
    }
    return {};
  }

  const ConstantIndices& constants_;
  Node& node_;
};

}  // namespace

Status read_constant(const ConstantIndices& constants, const Json& json, const std::string& where,
                     int* index) {
  int64_t number = 0;
  SIGNBIT_TRY(read_in_range(json, where, 0, kMaxItems - 1, &number));
  const auto found = constants.find(std::to_string(number));
  *index = found == constants.end() ? lacking(static_cast<int>(number)) : found->second;
  return {};
}

Status read_node(const ConstantIndices& constants, const Json& json, const std::string& where,
                 Node* node) {
  return NodeReader(constants, node).read(json, where);
}

Status read_tensor(const Json& json, const std::string& where, int* number) {
  int64_t value = 0;
  SIGNBIT_TRY(read_integer(json, where, &value));
  *number = value < 0 || value > INT32_MAX ? kNone : static_cast<int>(value);
  return {};
}

}  // namespace sbnn
