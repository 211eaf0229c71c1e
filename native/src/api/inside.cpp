// Inside a model: its nodes, their times, and tensors between them.
#include <vector>

#include "api/checks.h"
#include "api/handles.h"

using sbnn::Status;
using sbnn::api::check_array;
using sbnn::api::check_count;
using sbnn::api::check_index;
using sbnn::api::check_not_negative;
using sbnn::api::check_struct;
using sbnn::api::check_tensor;
using sbnn::api::guarded;
using sbnn::api::read_inputs;
using sbnn::api::refused;
using sbnn::api::wrong;

namespace {

// A tensor of the graph, by a value's number.
Status find_tensor(const sbnn::Graph& graph, const signbit_value& value, int* tensor) {
  SIGNBIT_TRY(check_index("number", value.number, graph.tensors.size()));
  *tensor = static_cast<int>(value.number);
  return {};
}

Status read_feed(const sbnn::Graph& graph, int64_t samples, const signbit_value& value,
                 sbnn::Feed* feed) {
  if (value.is_sums != 0) return wrong("is_sums: sums are only fetched");
  SIGNBIT_TRY(find_tensor(graph, value, &feed->tensor));
  feed->data = value.array.data;
  feed->is_float = value.array.type == SIGNBIT_FLOAT32;
  return check_tensor(value.array, graph.tensors[value.number], samples, SIGNBIT_UINT8);
}

Status read_fetch(const sbnn::Engine& engine, int64_t samples, const signbit_value& value,
                  sbnn::Fetch* fetch) {
  const sbnn::Graph& graph = engine.graph();
  fetch->data = value.array.data;
  if (value.is_sums == 0) {
    SIGNBIT_TRY(find_tensor(graph, value, &fetch->tensor));
    if (value.number < graph.inputs.size()) return wrong("number: an input cannot be fetched");
    return check_tensor(value.array, graph.tensors[value.number], samples, SIGNBIT_UINT8);
  }
  const std::vector<sbnn::NodeInfo>& nodes = engine.nodes();
  if (value.number >= nodes.size() || nodes[value.number].dots_height == 0) {
    return wrong("number: " + std::to_string(value.number) + " is no node with integer sums");
  }
  fetch->dots_of = static_cast<int>(value.number);
  const sbnn::NodeInfo& node = nodes[value.number];
  return check_array(value.array, samples, node.dots_height * node.dots_width * node.dots_channels,
                     {SIGNBIT_INT32});
}

// What `read` makes of each value; its message says which one is wrong.
template <typename Result, typename Read>
Status read_values(const char* what, const signbit_value* values, size_t count, Read read,
                   std::vector<Result>* results) {
  for (size_t i = 0; i < count; ++i) {
    Result result;
    const Status status = read(values[i], &result);
    if (!status.ok()) return status.within(what + ("[" + std::to_string(i) + "]"));
    results->push_back(result);
  }
  return {};
}

}  // namespace

size_t signbit_node_count(const signbit_model* model) { return model->engine->nodes().size(); }

signbit_status signbit_graph_node(const signbit_model* model, size_t number, signbit_node* node) {
  return guarded([&]() -> Status {
    SIGNBIT_TRY(check_struct(model, node, "node"));
    const std::vector<sbnn::NodeInfo>& nodes = model->engine->nodes();
    SIGNBIT_TRY(check_index("number", number, nodes.size()));
    const sbnn::NodeInfo& found = nodes[number];
    *node = {node->size, found.name.c_str(), found.op.c_str(), found.kernel.c_str(), found.bytes,
             found.macs, found.dots_height,  found.dots_width, found.dots_channels};
    return {};
  });
}

signbit_status signbit_time_nodes(signbit_context* context, int64_t samples,
                                  const signbit_array* inputs, size_t input_count, int32_t runs,
                                  signbit_time* times, size_t time_count) {
  if (context == nullptr || times == nullptr || (inputs == nullptr && samples != 0)) {
    return refused("context, inputs or times: must not be null");
  }
  return guarded([&]() -> Status {
    sbnn::Engine& engine = *context->engine;
    SIGNBIT_TRY(check_not_negative(samples));
    if (runs < 1) return wrong("runs: must be at least 1");
    SIGNBIT_TRY(check_count("time_count", time_count, engine.nodes().size()));
    sbnn::Batch batch;
    if (samples > 0) {
      SIGNBIT_TRY(read_inputs(engine.graph(), samples, inputs, input_count, &batch));
    }
    std::vector<sbnn::NodeTime> found;
    SIGNBIT_TRY(
        context->in_turn([&] { return engine.time_nodes(batch, runs, &found, &context->state); }));
    for (const sbnn::NodeTime& time : found) {
      *times++ = {time.milliseconds, time.threads, time.limit_gmacs};
    }
    return {};
  });
}

signbit_status signbit_run_nodes(signbit_context* context, int64_t samples,
                                 const signbit_value* feeds, size_t feed_count,
                                 const signbit_value* fetches, size_t fetch_count) {
  if (context == nullptr || (feeds == nullptr && feed_count > 0) ||
      (fetches == nullptr && fetch_count > 0)) {
    return refused("context, feeds or fetches: must not be null");
  }
  return guarded([&]() -> Status {
    sbnn::Engine& engine = *context->engine;
    SIGNBIT_TRY(check_not_negative(samples));
    std::vector<sbnn::Feed> fed;
    SIGNBIT_TRY(read_values(
        "feeds", feeds, feed_count,
        [&](const signbit_value& value, sbnn::Feed* feed) {
          return read_feed(engine.graph(), samples, value, feed);
        },
        &fed));
    std::vector<sbnn::Fetch> fetched;
    SIGNBIT_TRY(read_values(
        "fetches", fetches, fetch_count,
        [&](const signbit_value& value, sbnn::Fetch* fetch) {
          return read_fetch(engine, samples, value, fetch);
        },
        &fetched));
    return context->in_turn(
        [&] { return engine.run_nodes(samples, fed, fetched, &context->state); });
  });
}
