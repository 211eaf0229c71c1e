// The file's tensors as nodes draw from them: their dtypes, their shapes, and which were used.
#pragma once

#include <set>
#include <string>
#include <utility>
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
  // As above, and of this shape.
  Status take_shaped(int index, DTypes dtypes, const std::vector<int64_t>& shape,
                     const std::string& where, const Constant** constant = nullptr);
  // Whether this is the first question of its kind about a constant: nodes may share one, and its
  // values are searched once. `kind` is the question, for example a number of taps.
  bool is_first(int index, int64_t kind) { return asked_.emplace(index, kind).second; }
  Status require_all_used() const;

 private:
  const std::vector<Constant>& constants_;
  std::vector<bool> used_;
  std::set<std::pair<int, int64_t>> asked_;
};

}  // namespace sbnn
