// The Python module signbit.runtime._native. Statuses become the exceptions of signbit.errors; the
// GIL is released while a model loads and runs. Arrays are checked and made by runtime/engine.py;
// what is checked here keeps a wrong call from touching foreign memory.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common.h"
#include "signbit/engine.h"

namespace nb = nanobind;
using bindings::GilRelease;
using bindings::raise_if_failed;
using sbnn::element_count;

namespace {

using InputArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using OutputArray = nb::ndarray<nb::c_contig, nb::device::cpu>;

using Size = std::pair<int64_t, int64_t>;    // height, width
using Limits = std::pair<int64_t, int64_t>;  // max_bytes, max_operations

bool is_float(const InputArray& array) { return array.dtype() == nb::dtype<float>(); }

template <typename Array>
void require_size(const Array& array, int64_t count) {
  if (static_cast<int64_t>(array.size()) != count) {
    throw nb::value_error("array size does not match its tensor");
  }
}

template <typename Array>
void require_dtype(const Array& array, nb::dlpack::dtype dtype) {
  if (array.dtype() != dtype) throw nb::type_error("array dtype does not match its tensor");
}

class Model {
 public:
  static Model load(const nb::bytes& data, int threads, const std::string& isa, const Size& size,
                    const Limits& limits, bool share_all, bool fuse) {
    sbnn::EngineOptions options{
        threads, isa, share_all, fuse, {size.first, size.second}, limits.first, limits.second};
    options.is_interrupted = &bindings::signal_raised;
    const auto* bytes = static_cast<const uint8_t*>(data.data());
    const size_t count = data.size();
    Model model;
    sbnn::Status status;
    {
      const GilRelease release;
      status = sbnn::Engine::load(bytes, count, options, &model.engine_);
    }
    raise_if_failed(status);
    return model;
  }

  const sbnn::Engine& engine() const { return *engine_; }
  const sbnn::Graph& graph() const { return engine_->graph(); }

  const sbnn::TensorSpec& tensor(int index) const {
    return graph().tensors.at(static_cast<size_t>(index));
  }

  // (kind, shape) of each
  nb::list tensors() const {
    static const char* const kKinds[] = {"image", "real", "bits"};
    nb::list list;
    for (const sbnn::TensorSpec& spec : graph().tensors) {
      list.append(nb::make_tuple(kKinds[static_cast<int>(spec.kind)],
                                 nb::make_tuple(spec.height, spec.width, spec.channels)));
    }
    return list;
  }

  // Names; an input's tensor has its number.
  nb::list inputs() const {
    nb::list list;
    for (const sbnn::GraphInput& input : graph().inputs) list.append(input.name);
    return list;
  }

  // (name, tensor, classes) of each
  nb::list outputs() const {
    nb::list list;
    for (const sbnn::GraphOutput& output : graph().outputs) {
      list.append(nb::make_tuple(output.name, output.tensor, output.classes));
    }
    return list;
  }

  nb::dict source() const {
    nb::dict dict;
    for (const auto& [key, value] : graph().source) dict[key.c_str()] = value;
    return dict;
  }

  nb::list nodes() const {
    nb::list list;
    for (const sbnn::NodeInfo& node : engine_->nodes()) {
      nb::dict dict;
      dict["name"] = node.name;
      dict["op"] = node.op;
      dict["kernel"] = node.kernel;
      dict["bytes"] = node.bytes;
      dict["macs"] = node.macs;
      dict["dots"] = nb::make_tuple(node.dots_height, node.dots_width, node.dots_channels);
      list.append(dict);
    }
    return list;
  }

  // What an image takes: (estimated, held) of each part in bytes, and how many operations.
  nb::dict size() const {
    const sbnn::EngineSize size = engine_->size();
    nb::dict dict;
    dict["constants"] = nb::make_tuple(size.estimated.constants, size.held.constants);
    dict["arena"] = nb::make_tuple(size.estimated.arena, size.held.arena);
    dict["scratch"] = nb::make_tuple(size.estimated.scratch, size.held.scratch);
    dict["operations"] = size.operations;
    return dict;
  }

  void check_batch(int64_t count) const { raise_if_failed(engine_->check_batch(count)); }

  void run(int64_t count, const nb::list& input_list, const nb::list& output_list) {
    const sbnn::Batch batch = as_batch(count, input_list);
    const size_t outputs = graph().outputs.size();
    if (output_list.size() != outputs) throw nb::value_error("an array for each output");
    std::vector<void*> results;
    for (const nb::handle item : output_list) {
      results.push_back(as_result(count, results.size(), nb::cast<OutputArray>(item)));
    }
    run_batch(batch, results);
  }

  // The same with one input and one output, without lists.
  void run_single(int64_t count, const InputArray& input, const OutputArray& output) {
    const bool single = graph().inputs.size() == 1 && graph().outputs.size() == 1;
    if (!single) throw nb::value_error("an array for each input and output");
    run_batch({count, {as_input(count, 0, input)}}, {as_result(count, 0, output)});
  }

  void run_nodes(int64_t count, const nb::list& feed_list, const nb::list& fetch_list) {
    std::vector<sbnn::Feed> feeds;
    std::vector<sbnn::Fetch> fetches;
    for (const nb::handle item : feed_list) feeds.push_back(as_feed(count, item));
    for (const nb::handle item : fetch_list) fetches.push_back(as_fetch(count, item));
    sbnn::Status status;
    {
      const GilRelease release;
      status = engine_->run_nodes(count, feeds, fetches);
    }
    raise_if_failed(status);
  }

  // (milliseconds, the machine's G multiply-adds per second or 0) of each node
  nb::list time_nodes(int64_t count, const nb::list& input_list, int runs) {
    const sbnn::Batch batch = count > 0 ? as_batch(count, input_list) : sbnn::Batch();
    std::vector<sbnn::NodeTime> times;
    sbnn::Status status;
    {
      const GilRelease release;
      status = engine_->time_nodes(batch, runs, &times);
    }
    raise_if_failed(status);
    nb::list list;
    for (const sbnn::NodeTime& time : times) {
      list.append(nb::make_tuple(time.milliseconds, time.limit_gmacs, time.threads));
    }
    return list;
  }

 private:
  void run_batch(const sbnn::Batch& batch, const std::vector<void*>& results) {
    sbnn::Status status;
    {
      const GilRelease release;
      status = engine_->run(batch, results);
    }
    raise_if_failed(status);
  }

  void* as_result(int64_t count, size_t output, const OutputArray& array) const {
    const sbnn::TensorSpec& spec = tensor(graph().outputs[output].tensor);
    require_size(array, count * element_count(spec));
    const bool bits = spec.kind == sbnn::Kind::kBits;
    require_dtype(array, bits ? nb::dtype<int8_t>() : nb::dtype<float>());
    return array.data();
  }

  sbnn::Batch as_batch(int64_t count, const nb::list& arrays) const {
    if (arrays.size() != graph().inputs.size()) throw nb::value_error("an array for each input");
    sbnn::Batch batch;
    batch.count = count;
    for (size_t i = 0; i < arrays.size(); ++i) {
      batch.inputs.push_back(as_input(count, static_cast<int>(i), nb::cast<InputArray>(arrays[i])));
    }
    return batch;
  }

  // An array that can be a batch of a tensor.
  sbnn::InputArray as_input(int64_t count, int index, const InputArray& array) const {
    const sbnn::TensorSpec& spec = tensor(index);
    require_size(array, count * element_count(spec));
    if (spec.kind == sbnn::Kind::kReal) require_dtype(array, nb::dtype<float>());
    if (!is_float(array) || spec.kind == sbnn::Kind::kBits) {
      require_dtype(array, nb::dtype<uint8_t>());
    }
    return {array.data(), is_float(array)};
  }

  // (tensor, array)
  sbnn::Feed as_feed(int64_t count, nb::handle item) const {
    sbnn::Feed feed;
    feed.tensor = nb::cast<int>(item[0]);
    const sbnn::InputArray array = as_input(count, feed.tensor, nb::cast<InputArray>(item[1]));
    feed.data = array.data;
    feed.is_float = array.is_float;
    return feed;
  }

  // (tensor, array), or (-1 - node, array) for the dots of a node
  sbnn::Fetch as_fetch(int64_t count, nb::handle item) const {
    sbnn::Fetch fetch;
    const int index = nb::cast<int>(item[0]);
    const auto array = nb::cast<OutputArray>(item[1]);
    fetch.data = array.data();
    if (index >= 0) {
      const sbnn::TensorSpec& spec = tensor(index);
      const bool bits = spec.kind == sbnn::Kind::kBits;
      fetch.tensor = index;
      require_size(array, count * element_count(spec));
      require_dtype(array, bits ? nb::dtype<uint8_t>() : nb::dtype<float>());
      return fetch;
    }
    fetch.dots_of = -1 - index;
    const sbnn::NodeInfo node = engine_->nodes().at(static_cast<size_t>(fetch.dots_of));
    require_size(array, count * node.dots_height * node.dots_width * node.dots_channels);
    require_dtype(array, nb::dtype<int32_t>());
    return fetch;
  }

  std::unique_ptr<sbnn::Engine> engine_;
};

}  // namespace

NB_MODULE(_native, module) {
  const Limits default_limits{sbnn::EngineOptions().max_bytes,
                              sbnn::EngineOptions().max_operations};
  nb::set_leak_warnings(false);  // a daemon thread's call keeps its model beyond the exit
  module.def("usable_isas", &sbnn::usable_isas);
  module.def("available_threads", &sbnn::available_threads);
  module.attr("DEFAULT_LIMITS") = nb::make_tuple(default_limits.first, default_limits.second);
  bindings::add_check_model(module);
  nb::class_<Model>(module, "Model")
      .def_static("load", &Model::load, nb::arg("data"), nb::arg("threads"), nb::arg("isa"),
                  nb::arg("input_size") = Size{0, 0}, nb::arg("limits") = default_limits,
                  nb::arg("share_all") = false, nb::arg("fuse") = true)
      .def_prop_ro("isa", [](const Model& model) { return model.engine().isa(); })
      .def_prop_ro("threads", [](const Model& model) { return model.engine().threads(); })
      .def_prop_ro("graph_json", [](const Model& model) { return model.graph().json; })
      .def_prop_ro("inputs", &Model::inputs)
      .def_prop_ro("outputs", &Model::outputs)
      .def_prop_ro("source", &Model::source)
      .def_prop_ro("tensors", &Model::tensors)
      .def_prop_ro("nodes", &Model::nodes)
      .def_prop_ro("size", &Model::size)
      .def_prop_ro("most_samples", [](const Model& model) { return model.engine().most_samples(); })
      .def("check_batch", &Model::check_batch)
      .def("run", &Model::run)
      .def("run_single", &Model::run_single)
      .def("run_nodes", &Model::run_nodes)
      .def("time_nodes", &Model::time_nodes);
  nb::module_ training = module.def_submodule("training");
  bindings::add_training(training);
}
