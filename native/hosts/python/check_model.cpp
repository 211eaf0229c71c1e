// The reader of model files alone: its verdict on a file, without an engine.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <optional>
#include <utility>

#include "common.h"
#include "format/graph.h"

namespace bindings {
namespace {

void check_model(const nb::bytes& data, std::optional<std::pair<int64_t, int64_t>> input_size) {
  const auto* bytes = static_cast<const uint8_t*>(data.data());
  const auto [height, width] = input_size.value_or(std::make_pair(0, 0));
  if (input_size && height == 0 && width == 0) {
    raise_if_failed({sbnn::Code::kInput, "input_size: height and width must be positive"});
  }
  sbnn::Status status;
  {
    const GilRelease release;
    sbnn::Graph graph;
    status = sbnn::read_model(bytes, data.size(), {height, width}, &graph);
  }
  raise_if_failed(status);
}

}  // namespace

void add_check_model(nb::module_& module) {
  module.def("check_model", &check_model, nb::arg("data"), nb::arg("input_size") = nb::none());
}

}  // namespace bindings
