// The Python module signbit.runtime._native: signbit.h for Python. Statuses become the exceptions
// of signbit.errors; the GIL is released while a model loads and runs. Arrays are made by
// runtime/engine.py, and checked by the C API.

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/internal.h"
#include "common.h"

using bindings::GilRelease;
using bindings::raise_if_failed;

namespace {

using InputArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using OutputArray = nb::ndarray<nb::c_contig, nb::device::cpu>;

using Size = std::pair<int64_t, int64_t>;    // height, width
using Limits = std::pair<int64_t, int64_t>;  // max_bytes, max_operations

// Whether the handler of a signal has raised, as that of Ctrl-C does; for a thread that has
// released the GIL. Python runs handlers in its main thread alone.
int32_t signal_raised(void*) {
  bindings::take_gil(PyGILState_GetThisThreadState());
  const bool raised = PyErr_CheckSignals() != 0;
  PyEval_SaveThread();
  return raised ? 1 : 0;
}

signbit_type type_of(nb::dlpack::dtype dtype) {
  if (dtype == nb::dtype<uint8_t>()) return SIGNBIT_UINT8;
  if (dtype == nb::dtype<float>()) return SIGNBIT_FLOAT32;
  if (dtype == nb::dtype<int8_t>()) return SIGNBIT_INT8;
  if (dtype == nb::dtype<int32_t>()) return SIGNBIT_INT32;
  throw nb::type_error("an array must be uint8, float32, int8 or int32");
}

template <typename Array>
signbit_array array_of(const Array& array) {
  return {const_cast<void*>(array.data()), array.nbytes(), type_of(array.dtype())};
}

template <typename Array>
std::vector<signbit_array> arrays_of(const nb::list& list) {
  std::vector<signbit_array> arrays;
  for (const nb::handle item : list) arrays.push_back(array_of(nb::cast<Array>(item)));
  return arrays;
}

// (number, array) of each; a number below 0 is -1 - node, for the node's integer sums.
template <typename Array>
std::vector<signbit_value> values_of(const nb::list& list) {
  std::vector<signbit_value> values;
  for (const nb::handle item : list) {
    const auto number = nb::cast<int64_t>(item[0]);
    const bool is_sums = number < 0;
    values.push_back({static_cast<size_t>(is_sums ? -1 - number : number), is_sums ? 1 : 0,
                      array_of(nb::cast<Array>(item[1]))});
  }
  return values;
}

template <typename Struct>
Struct sized() {
  Struct result{};
  result.size = sizeof result;
  return result;
}

class Model {
 public:
  Model(const nb::bytes& data, int32_t threads, const std::string& isa, const Size& size,
        const Limits& limits, bool share_all, bool fuse) {
    auto options = sized<signbit_options>();
    options.threads = threads;
    options.isa = isa.c_str();
    std::tie(options.height, options.width) = size;
    std::tie(options.max_bytes, options.max_operations) = limits;
    options.is_cancelled = &signal_raised;
    const void* const bytes = data.data();
    const size_t count = data.size();
    signbit_model* model = nullptr;
    signbit_status status;
    {
      const GilRelease release;
      status = sbnn::api::load(bytes, count, &options, {share_all, fuse}, &model);
    }
    raise_if_failed(status);
    model_.reset(model);
  }

  const char* isa() const { return signbit_model_isa(model_.get()); }
  int32_t threads() const { return signbit_model_threads(model_.get()); }
  const char* graph_json() const { return signbit_model_json(model_.get()); }

  // (kind, shape) of each
  nb::list tensors() const {
    static const char* const kKinds[] = {"image", "real", "bits"};
    nb::list list;
    for (size_t number = 0; number < signbit_tensor_count(model_.get()); ++number) {
      auto tensor = sized<signbit_tensor>();
      raise_if_failed(signbit_graph_tensor(model_.get(), number, &tensor));
      list.append(nb::make_tuple(kKinds[tensor.kind],
                                 nb::make_tuple(tensor.height, tensor.width, tensor.channels)));
    }
    return list;
  }

  // (temperature, least probability of a class) of each output
  nb::list confidences() const {
    nb::list list;
    for (size_t number = 0; number < signbit_output_count(model_.get()); ++number) {
      auto tensor = sized<signbit_tensor>();
      raise_if_failed(signbit_output(model_.get(), number, &tensor));
      list.append(nb::make_tuple(tensor.temperature, tensor.least_probability));
    }
    return list;
  }

  nb::list nodes() const {
    nb::list list;
    for (size_t number = 0; number < node_count(); ++number) {
      auto node = sized<signbit_node>();
      raise_if_failed(signbit_graph_node(model_.get(), number, &node));
      nb::dict dict;
      dict["op"] = node.op;
      dict["kernel"] = node.kernel;
      dict["bytes"] = node.bytes;
      dict["macs"] = node.macs;
      dict["dots"] = nb::make_tuple(node.sums_height, node.sums_width, node.sums_channels);
      list.append(dict);
    }
    return list;
  }

  // What an image takes: (estimated, held) of each part in bytes, and how many operations.
  nb::dict size() const {
    const sbnn::EngineSize size = sbnn::api::size_of(*model_);
    nb::dict dict;
    dict["constants"] = nb::make_tuple(size.estimated.constants, size.held.constants);
    dict["arena"] = nb::make_tuple(size.estimated.arena, size.held.arena);
    dict["scratch"] = nb::make_tuple(size.estimated.scratch, size.held.scratch);
    dict["operations"] = size.operations;
    return dict;
  }

  int64_t most_samples() const {
    auto sizes = sized<signbit_sizes>();
    raise_if_failed(signbit_model_sizes(model_.get(), &sizes));
    return sizes.most_samples;
  }

  void check_batch(int64_t count) const {
    raise_if_failed(signbit_check_samples(model_.get(), count));
  }

  void run(int64_t count, const nb::list& input_list, const nb::list& output_list) {
    const auto inputs = arrays_of<InputArray>(input_list);
    const auto outputs = arrays_of<OutputArray>(output_list);
    call([&](signbit_context* context) {
      return signbit_run(context, count, inputs.data(), inputs.size(), outputs.data(),
                         outputs.size());
    });
  }

  // The same with one input and one output, without lists.
  void run_single(int64_t count, const InputArray& input_array, const OutputArray& output_array) {
    const signbit_array input = array_of(input_array), output = array_of(output_array);
    call([&](signbit_context* context) {
      return signbit_run(context, count, &input, 1, &output, 1);
    });
  }

  void run_nodes(int64_t count, const nb::list& feed_list, const nb::list& fetch_list) {
    const auto feeds = values_of<InputArray>(feed_list);
    const auto fetches = values_of<OutputArray>(fetch_list);
    call([&](signbit_context* context) {
      return signbit_run_nodes(context, count, feeds.data(), feeds.size(), fetches.data(),
                               fetches.size());
    });
  }

  // (milliseconds, the machine's G multiply-adds per second or 0, threads) of each node
  nb::list time_nodes(int64_t count, const nb::list& input_list, int32_t runs) {
    const auto inputs = arrays_of<InputArray>(input_list);
    std::vector<signbit_time> times(node_count());
    call([&](signbit_context* context) {
      return signbit_time_nodes(context, count, inputs.data(), inputs.size(), runs, times.data(),
                                times.size());
    });
    nb::list list;
    for (const signbit_time& time : times) {
      list.append(nb::make_tuple(time.milliseconds, time.limit, time.threads));
    }
    return list;
  }

 private:
  struct Free {
    void operator()(signbit_model* model) const { signbit_model_free(model); }
    void operator()(signbit_context* context) const { signbit_context_free(context); }
  };
  using Context = std::unique_ptr<signbit_context, Free>;

  size_t node_count() const { return signbit_node_count(model_.get()); }

  // Without the GIL, in a context that no other thread's call has, nor a call that a signal's
  // handler has broken into.
  template <typename Work>
  void call(Work work) {
    if (idle_.empty()) {
      signbit_context* made = nullptr;
      raise_if_failed(signbit_context_create(model_.get(), &made));
      idle_.emplace_back(made);
    }
    Context context = std::move(idle_.back());
    idle_.pop_back();
    signbit_status status;
    {
      const GilRelease release;
      status = work(context.get());
    }
    idle_.push_back(std::move(context));
    raise_if_failed(status);
  }

  std::unique_ptr<signbit_model, Free> model_;
  std::vector<Context> idle_;
};

nb::list usable_isas() {
  nb::list list;
  for (size_t i = 0; i < signbit_isa_count(); ++i) list.append(signbit_isa(i));
  return list;
}

// The reader of model files alone: its verdict on a file.
void check_model(const nb::bytes& data, std::optional<Size> input_size) {
  const auto [height, width] = input_size.value_or(Size{0, 0});
  if (input_size && height == 0 && width == 0) {
    raise_if_failed(sbnn::api::refused("input_size: height and width must be positive"));
  }
  const void* const bytes = data.data();
  const size_t count = data.size();
  signbit_status status;
  {
    const GilRelease release;
    status = sbnn::api::check_file(bytes, count, {height, width});
  }
  raise_if_failed(status);
}

}  // namespace

NB_MODULE(_native, module) {
  nb::set_leak_warnings(false);  // a daemon thread's call keeps its model beyond the exit
  module.def("usable_isas", &usable_isas);
  module.def("available_threads", &signbit_available_threads);
  module.def("check_model", &check_model, nb::arg("data"), nb::arg("input_size") = nb::none());
  nb::class_<Model>(module, "Model")
      .def_static(
          "load",
          [](const nb::bytes& data, int32_t threads, const std::string& isa, const Size& size,
             const Limits& limits, bool share_all, bool fuse) {
            return std::make_unique<Model>(data, threads, isa, size, limits, share_all, fuse);
          },
          nb::arg("data"), nb::arg("threads"), nb::arg("isa"), nb::arg("input_size") = Size{0, 0},
          nb::arg("limits") = Limits{0, 0}, nb::arg("share_all") = false, nb::arg("fuse") = true)
      .def_prop_ro("isa", &Model::isa)
      .def_prop_ro("threads", &Model::threads)
      .def_prop_ro("graph_json", &Model::graph_json)
      .def_prop_ro("tensors", &Model::tensors)
      .def_prop_ro("confidences", &Model::confidences)
      .def_prop_ro("nodes", &Model::nodes)
      .def_prop_ro("size", &Model::size)
      .def_prop_ro("most_samples", &Model::most_samples)
      .def("check_batch", &Model::check_batch)
      .def("run", &Model::run)
      .def("run_single", &Model::run_single)
      .def("run_nodes", &Model::run_nodes)
      .def("time_nodes", &Model::time_nodes);
  nb::module_ training = module.def_submodule("training");
  bindings::add_training(training);
}
