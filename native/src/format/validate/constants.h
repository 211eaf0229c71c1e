// The file's tensors as nodes draw from them: their dtypes, their shapes, and which were used.
#pragma once

#include <string>
#include <vector>

#include "format/graph.h"
#include "format/table.h"

namespace sbnn {

class Constants {
 public:
  explicit Constants(const std::vector<Constant>& constants)
      : constants_(constants), used_(constants.size(), false) {}

  // The constant of an index as Keys hold it, of one of these dtypes; if real, it is finite.
  Status take(int index, DTypes dtypes, const std::string& where, const Constant** constant);
  // The same, of this shape.
  Status take_shaped(int index, DTypes dtypes, const std::vector<int64_t>& shape,
                     const std::string& where, const Constant** constant = nullptr);
  Status require_all_used() const;

 private:
  const std::vector<Constant>& constants_;
  std::vector<bool> used_;
};

}  // namespace sbnn
