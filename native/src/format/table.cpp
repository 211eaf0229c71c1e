#include "format/table.h"

#include <algorithm>

#include "format/graph.h"

namespace sbnn {
namespace {

#include "format/table_rows.inc.h"

std::vector<Value> default_values() {
  std::vector<Value> values(kKeyCount);
  for (size_t i = 0; i < kKeyCount; ++i) {
    std::copy(std::begin(kKeyRows[i].defaults), std::end(kKeyRows[i].defaults),
              values[i].numbers.begin());
  }
  return values;
}

template <typename Row, size_t kCount>
std::vector<const char*> names_of(const Row (&rows)[kCount]) {
  std::vector<const char*> names;
  for (const Row& row : rows) names.push_back(row.name);
  return names;
}

template <typename Row>
bool has(const Row& row, Key key) {
  return std::find(row.keys, row.keys + row.key_count, key) != row.keys + row.key_count;
}

}  // namespace

const KeyRow& row_of(Key key) { return kKeyRows[static_cast<size_t>(key)]; }
const OperationRow& row_of(Op op) { return kOperationRows[static_cast<size_t>(op)]; }
const StepRow& row_of(StepOp op) { return kStepRows[static_cast<size_t>(op)]; }

bool has_key(Op op, Key key) { return has(row_of(op), key); }
bool has_key(StepOp op, Key key) { return has(row_of(op), key); }

bool counts_signs(Op op) {
  const OperationRow& row = row_of(op);
  return row.reads == Reads::kTaps && row.inputs[0] == bit(Kind::kBits);
}

const std::vector<const char*>& operation_names() {
  static const std::vector<const char*> names = names_of(kOperationRows);
  return names;
}

const std::vector<const char*>& step_names() {
  static const std::vector<const char*> names = names_of(kStepRows);
  return names;
}

const Value& Keys::at(Key key) const {
  for (const auto& [given, value] : given_) {
    if (given == key) return value;
  }
  static const std::vector<Value> defaults = default_values();
  return defaults[static_cast<size_t>(key)];
}

}  // namespace sbnn
