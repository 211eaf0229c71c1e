// Writes small graphs, nearly all of them valid: any operations, steps and outputs that fit what is
// there before them.
#pragma once

#include <map>

#include "format/graph.h"
#include "graph_text.h"

namespace fuzz {

class GraphWriter {
 public:
  explicit GraphWriter(Draws* draws) : draws_(*draws), constants_(draws) {}

  GraphText write();

 private:
  // A node while it is written: its text, and the same as the validator has it.
  struct Draft {
    sbnn::Node node;
    std::string keys, steps;
    std::vector<sbnn::TensorSpec> inputs;
    int64_t filters = 0;
    bool integers = false;
  };

  int64_t channels();
  int pick(
      const std::vector<sbnn::Kind>& kinds);  // a tensor of one of these; kNone if none is there
  void give(Draft* draft, sbnn::Key key, const std::vector<int64_t>& values);
  void give_constant(Draft* draft, sbnn::Key key, int number);
  bool read_inputs(Draft* draft);
  void write_windows(Draft* draft);
  void write_keys(Draft* draft);
  void write_other_keys(Draft* draft);
  void write_weight(Draft* draft, int64_t groups);
  int64_t groups_for(const Draft& draft);
  std::string step(Draft* draft, const sbnn::TensorSpec& shape);
  std::string affine(const Draft& draft, const sbnn::TensorSpec& shape);
  std::string operand(Draft* draft, const sbnn::TensorSpec& shape, bool* fits);
  std::string outputs(const Draft& draft, const sbnn::TensorSpec& shape, int64_t steps);
  void write_node();

  Draws& draws_;
  Constants constants_;
  std::vector<sbnn::TensorSpec> tensors_;
  std::map<int, int64_t> groups_;  // by bits tensor
  std::string nodes_;
  int node_count_ = 0, inputs_ = 0;
};

}  // namespace fuzz
