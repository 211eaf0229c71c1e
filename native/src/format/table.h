// The table of operations and steps as the reader and the validator use it. Its rows are in
// table_rows.inc.h, which `python -m signbit.bitformat.generate` makes of operations.toml.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "format/types.h"

namespace sbnn {

enum class KeyType : uint8_t {
  kPair,
  kSides,
  kInteger,
  kFlag,
  kChoice,
  kConstant,
  kOperand,
  kTaps,
};

struct KeyRow {
  const char* name;
  KeyType type;
  bool required;
  int64_t least, most;
  int64_t defaults[4];
  const char* const* choices;  // ends with a null
  ConstantShape shape;         // of a constant
};

// Dtypes that a constant may have, and kinds that an input may have, one bit each.
using DTypes = uint32_t;
using Kinds = uint32_t;
constexpr DTypes bit(DType dtype) { return 1u << static_cast<uint32_t>(dtype); }
constexpr Kinds bit(Kind kind) { return 1u << static_cast<uint32_t>(kind); }

struct OperationRow {
  const char* name;
  Kinds inputs[2];
  size_t input_count;
  bool many;
  const Key* keys;
  size_t key_count;
  const DTypes* dtypes;  // by place among the keys
  ShapeRule shape;
  Yields yields;
  Reads reads;
};

struct StepRow {
  const char* name;
  const Key* keys;
  size_t key_count;
};

const KeyRow& row_of(Key key);
const OperationRow& row_of(Op op);
const StepRow& row_of(StepOp op);

bool has_key(Op op, Key key);
bool has_key(StepOp op, Key key);

// Calls visit(key) for each key of a row, in order, that holds a constant.
template <typename Row, typename Visit>
void for_constants(const Row& row, Visit visit) {
  for (size_t i = 0; i < row.key_count; ++i) {
    if (row_of(row.keys[i]).type == KeyType::kConstant) visit(row.keys[i]);
  }
}

// Whether an operation adds up the signs of each group, whose bits are then aligned.
bool counts_signs(Op op);

// Names in the order of the enums.
const std::vector<const char*>& operation_names();
const std::vector<const char*>& step_names();

}  // namespace sbnn
