// Looking inside an engine: its nodes, single tensors in and out.

#include <algorithm>
#include <cstring>

#include "engine/engine_state.h"
#include "format/table.h"
#include "plan/bounds/held.h"
#include "run/run_images.h"

namespace sbnn {
namespace {

std::string quoted(const std::string& name) { return "'" + name + "'"; }

// Which nodes must run to get some tensors, given others.
class Selection {
 public:
  Selection(const FusedGraph& graph, const std::vector<GraphInput>& inputs)
      : graph_(graph),
        inputs_(inputs),
        fed_(graph.tensors.size(), false),
        writer_(graph.tensors.size(), kNone),
        needed_(graph.nodes.size(), false) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      graph.nodes[i].for_outputs(
          [&](int tensor) { writer_[static_cast<size_t>(tensor)] = static_cast<int>(i); });
    }
  }

  void feed(int tensor) { fed_[static_cast<size_t>(tensor)] = true; }
  bool is_fed(int tensor) const { return fed_[static_cast<size_t>(tensor)]; }
  bool needs(size_t node) const { return needed_[node]; }

  void want_node(int node) {
    if (node != kNone) needed_[static_cast<size_t>(node)] = true;
  }

  // Wants a tensor and, from last node to first, all that its making reads.
  Status want(int tensor) {
    if (is_fed(tensor)) return {};
    const int node = writer_[static_cast<size_t>(tensor)];
    if (node == kNone) {
      return {Code::kInput, "feeds: the fetches need the input " +
                                quoted(inputs_[static_cast<size_t>(tensor)].name)};
    }
    want_node(node);
    return {};
  }

  Status close() {
    for (size_t i = graph_.nodes.size(); i-- > 0;) {
      if (!needed_[i]) continue;
      SIGNBIT_TRY(want_inputs(static_cast<int>(i)));
    }
    return {};
  }

  Status want_inputs(int node) {
    const FusedNode& spec = graph_.nodes[static_cast<size_t>(node)];
    Status status;
    spec.for_inputs([&](int tensor) {
      if (status.ok()) status = want(tensor);
    });
    return status;
  }

 private:
  const FusedGraph& graph_;
  const std::vector<GraphInput>& inputs_;
  std::vector<bool> fed_;
  std::vector<int> writer_;
  std::vector<bool> needed_;
};

void store_bits(const TensorLayout& layout, const uint8_t* negative, uint8_t* tensor) {
  for (int64_t y = 0; y < layout.height; ++y) {
    for (int64_t x = 0; x < layout.width; ++x) {
      uint8_t* const pixel = tensor + layout.at(y, x);
      for (int64_t c = 0; c < layout.channels; ++c) layout.bits.put(pixel, c, *negative++ != 0);
    }
  }
}

void fetch_bits(const TensorLayout& layout, const uint8_t* tensor, uint8_t* negative) {
  for (int64_t y = 0; y < layout.height; ++y) {
    for (int64_t x = 0; x < layout.width; ++x) {
      const uint8_t* const pixel = tensor + layout.at(y, x);
      for (int64_t c = 0; c < layout.channels; ++c) *negative++ = layout.bits.get(pixel, c) ? 1 : 0;
    }
  }
}

// One image of a run_nodes call, in an arena where every tensor has its own place.
class NodeRun {
 public:
  NodeRun(const Plan& plan, const std::vector<Feed>& feeds, int64_t index)
      : plan_(plan), feeds_(feeds), index_(index) {}

  void start(Frame* frame) const {
    frame->sample = index_;
    for (const Feed& feed : feeds_) put(feed, frame);
  }

  // A node that writes several tensors may overwrite one that is fed.
  void restore_feeds(const FusedNode& node, Frame* frame) const {
    node.for_outputs([&](int tensor) {
      for (const Feed& feed : feeds_) {
        if (feed.tensor == tensor) put(feed, frame);
      }
    });
  }

  void fetch(const Fetch& fetch, const Frame& frame) const {
    const TensorLayout& tensor = layout(fetch.tensor);
    const int64_t elements = tensor.pixels() * tensor.channels;
    if (tensor.kind == Kind::kBits) {
      fetch_bits(tensor, frame.tensor(fetch.tensor),
                 static_cast<uint8_t*>(fetch.data) + index_ * elements);
    } else {
      std::memcpy(static_cast<float*>(fetch.data) + index_ * elements, frame.tensor(fetch.tensor),
                  static_cast<size_t>(elements) * sizeof(float));
    }
  }

 private:
  const TensorLayout& layout(int tensor) const {
    return plan_.tensors[static_cast<size_t>(tensor)];
  }

  void put(const Feed& feed, Frame* frame) const {
    const TensorLayout& tensor = layout(feed.tensor);
    const int64_t elements = tensor.pixels() * tensor.channels;
    if (tensor.kind == Kind::kImage) {  // read where it is, unless pixels are looked up
      look_up(plan_, feed.tensor, {feed.data, feed.is_float}, index_, frame);
      return;
    }
    if (tensor.kind == Kind::kBits) {
      store_bits(tensor, static_cast<const uint8_t*>(feed.data) + index_ * elements,
                 frame->tensor(feed.tensor));
    } else {
      std::memcpy(frame->tensor(feed.tensor),
                  static_cast<const float*>(feed.data) + index_ * elements,
                  static_cast<size_t>(elements) * sizeof(float));
    }
  }

  const Plan& plan_;
  const std::vector<Feed>& feeds_;
  int64_t index_;
};

// Of a node with integer sums, before pooling.
struct Shape {
  int64_t height, width, channels;
};
Shape dots_shape(const NodePlan& node) {
  if (node.node->op == Op::kRealConv) return {node.height, node.width, node.channels};
  return {node.binary.height, node.binary.width, node.channels};
}

}  // namespace

std::vector<NodeInfo> describe_nodes(const Graph& graph, const Plan& plan) {
  std::vector<NodeInfo> infos;
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    const NodePlan& node = plan.nodes[i];
    NodeInfo info;
    info.name = node.node->name;
    info.op = row_of(graph.nodes[i].op).name;
    info.kernel = node.kernel;
    info.bytes = node.bytes;
    info.macs = node.macs;
    if (node.has_dots) {
      const Shape dots = dots_shape(node);
      info.dots_height = dots.height;
      info.dots_width = dots.width;
      info.dots_channels = dots.channels;
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

EngineSize Engine::size() const {
  const Estimate& estimate = state_->estimate;
  EngineSize size;
  size.estimated = {estimate.constants, estimate.arena, estimate.scratch};
  for (const NodePlan& node : state_->plan.nodes) {
    size.held.constants += static_cast<double>(held_bytes(node));
  }
  for (const AlignedArray<uint8_t>& table : state_->plan.tables) {
    size.held.constants += static_cast<double>(table.bytes());
  }
  size.held.arena = static_cast<double>(state_->plan.storage.bytes);
  size.held.scratch = scratch_bytes(state_->plan.scratch);
  size.operations = estimate.operations;
  return size;
}

Status Engine::run_nodes(int64_t count, const std::vector<Feed>& feeds,
                         const std::vector<Fetch>& fetches, const CallState* call_state) noexcept {
  try {
    State& state = *state_;
    Selection selection(state.fused, state.graph.inputs);
    std::vector<InputArray> images(state.graph.inputs.size());
    for (const Feed& feed : feeds) {
      selection.feed(feed.tensor);
      const auto i = static_cast<size_t>(feed.tensor);
      const TensorSpec& tensor = state.graph.tensors[i];
      if (tensor.kind != Kind::kImage) continue;
      images[i] = {feed.data, feed.is_float};
      SIGNBIT_TRY(check_pixels(state.plan, quoted(state.graph.inputs[i].name), images[i], count,
                               element_count(tensor)));
    }
    for (const Fetch& fetch : fetches) {
      SIGNBIT_TRY(fetch.tensor != kNone ? selection.want(fetch.tensor)
                                        : selection.want_inputs(fetch.dots_of));
    }
    SIGNBIT_TRY(selection.close());
    const auto bytes = static_cast<double>(state.plan.whole_storage.bytes);
    if (bytes > state.limits.bytes) {
      return {Code::kInput,
              exceeds("run_nodes: all tensors at once take", bytes, state.limits.bytes)};
    }
    Call call(&state, false, call_state);
    call.context().prepare(call.workers(), 0);
    AlignedArray<uint8_t> arena(static_cast<size_t>(state.plan.whole_storage.bytes));
    for (int64_t index = 0; index < count; ++index) {
      Frame frame;
      frame.arena = arena.data();
      frame.storage = &state.plan.whole_storage;
      frame.inputs = images.data();
      const NodeRun run(state.plan, feeds, index);
      run.start(&frame);
      for (size_t i = 0; i < state.plan.nodes.size(); ++i) {
        if (!selection.needs(i)) continue;
        call.run_node(state.plan.nodes[i], frame);
        SIGNBIT_TRY(call.status());
        run.restore_feeds(*state.plan.nodes[i].node, &frame);
      }
      for (const Fetch& fetch : fetches) {
        if (fetch.tensor != kNone) {
          run.fetch(fetch, frame);
          continue;
        }
        const NodePlan& node = state.plan.nodes[static_cast<size_t>(fetch.dots_of)];
        const Shape dots = dots_shape(node);
        const int64_t elements = dots.height * dots.width * dots.channels;
        run_dots(state.plan, node, frame, call.context().scratch(0),
                 static_cast<int32_t*>(fetch.data) + index * elements);
      }
    }
    return {};
  } catch (const std::bad_alloc&) {
    return {Code::kMemory, "not enough memory"};
  }
}

}  // namespace sbnn
