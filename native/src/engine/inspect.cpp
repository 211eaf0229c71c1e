// Looking inside an engine: single tensors in and out, and the time of each node.

#include <algorithm>
#include <chrono>
#include <cstring>

#include "cpu/core_limit.h"
#include "engine/engine_state.h"

namespace sbnn {
namespace {

std::string quoted(const std::string& name) { return "'" + name + "'"; }

// Which nodes must run to get some tensors, given others.
class Selection {
 public:
  explicit Selection(const Graph& graph)
      : graph_(graph),
        fed_(graph.tensors.size(), false),
        writer_(graph.tensors.size(), kNone),
        needed_(graph.nodes.size(), false) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& node = graph.nodes[i];
      if (node.real != kNone) writer_[static_cast<size_t>(node.real)] = static_cast<int>(i);
      for (const SignOutput& output : node.signs) {
        writer_[static_cast<size_t>(output.tensor)] = static_cast<int>(i);
      }
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
      return {Code::kInput, "feeds: the fetches need the image " +
                                quoted(graph_.tensors[static_cast<size_t>(tensor)].name)};
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
    const Node& spec = graph_.nodes[static_cast<size_t>(node)];
    Status status;
    spec.for_inputs([&](int tensor) {
      if (status.ok()) status = want(tensor);
    });
    return status;
  }

 private:
  const Graph& graph_;
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
    for (const Feed& feed : feeds_) {
      if (layout(feed.tensor).kind != Kind::kImage) {
        put(feed, frame);
        continue;
      }
      const TensorLayout& image = layout(feed.tensor);
      frame->image =
          image_at({feed.data, 0, feed.is_float}, image.pixels() * image.channels, index_);
      frame->image_is_float = feed.is_float;
    }
  }

  // A node that writes several tensors may overwrite one that is fed.
  void restore_feeds(const Node& node, Frame* frame) const {
    for (const Feed& feed : feeds_) {
      const auto is_fed = [&](const SignOutput& output) { return output.tensor == feed.tensor; };
      if (node.real == feed.tensor || std::any_of(node.signs.begin(), node.signs.end(), is_fed)) {
        put(feed, frame);
      }
    }
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

double median(std::vector<double>* values) {
  const auto middle = values->begin() + static_cast<std::ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

}  // namespace

std::vector<NodeInfo> Engine::nodes() const {
  std::vector<NodeInfo> infos;
  for (const NodePlan& node : state_->plan.nodes) {
    NodeInfo info;
    info.name = node.node->name;
    info.op = op_name(node.node->op);
    info.kernel = node.kernel;
    info.bytes = node.bytes;
    info.macs = node.macs;
    if (node.integer) {
      const Shape dots = dots_shape(node);
      info.dots_height = dots.height;
      info.dots_width = dots.width;
      info.dots_channels = dots.channels;
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

Status Engine::run_nodes(int64_t count, const std::vector<Feed>& feeds,
                         const std::vector<Fetch>& fetches) noexcept {
  try {
    State& state = *state_;
    Selection selection(state.graph);
    for (const Feed& feed : feeds) {
      selection.feed(feed.tensor);
      const TensorLayout& layout = state.plan.tensors[static_cast<size_t>(feed.tensor)];
      if (layout.kind == Kind::kImage) {
        SIGNBIT_TRY(check_pixels(state.plan, {feed.data, count, feed.is_float},
                                 layout.pixels() * layout.channels));
      }
    }
    for (const Fetch& fetch : fetches) {
      SIGNBIT_TRY(fetch.tensor != kNone ? selection.want(fetch.tensor)
                                        : selection.want_inputs(fetch.dots_of));
    }
    SIGNBIT_TRY(selection.close());
    SIGNBIT_TRY(check_work_bytes("run_nodes", static_cast<double>(state.plan.whole_storage.bytes)));
    Call call(&state, false);
    call.context().prepare(call.workers(), 0);
    AlignedArray<uint8_t> arena(static_cast<size_t>(state.plan.whole_storage.bytes));
    for (int64_t index = 0; index < count; ++index) {
      Frame frame;
      frame.arena = arena.data();
      frame.storage = &state.plan.whole_storage;
      const NodeRun run(state.plan, feeds, index);
      run.start(&frame);
      for (size_t i = 0; i < state.plan.nodes.size(); ++i) {
        if (!selection.needs(i)) continue;
        call.run_node(state.plan.nodes[i], frame);
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

Status Engine::time_nodes(const Images& images, int runs, std::vector<NodeTime>* times) noexcept {
  try {
    State& state = *state_;
    SIGNBIT_TRY(check_pixels(state.plan, images, state.image_elements));
    const AlignedArray<uint8_t> black(static_cast<size_t>(state.image_elements));
    const Images timed = images.count > 0 ? images : Images{black.data(), 1, false};
    std::vector<std::vector<double>> samples(state.plan.nodes.size());
    std::vector<int> threads(samples.size(), 1);
    Call call(&state, false);
    call.context().prepare(call.workers(), 1);
    const auto frame_of = [&](int64_t image) {
      Frame frame = call.context().frame(0);
      frame.image = image_at(timed, state.image_elements, image);
      frame.image_is_float = timed.is_float;
      return frame;
    };
    for (int64_t image = 0; call.times_images(); image = (image + 1) % timed.count) {
      state.sharing.time_image(frame_of(image), call.context().scratch(0));
    }
    for (int run = 0; run < runs; ++run) {
      for (int64_t image = 0; image < timed.count; ++image) {
        const Frame frame = frame_of(image);
        for (size_t i = 0; i < state.plan.stages.size(); ++i) {
          const Stage& stage = state.plan.stages[i];
          const auto start = std::chrono::steady_clock::now();
          const int used = call.run_stage(i, frame);
          const std::chrono::duration<double, std::milli> took =
              std::chrono::steady_clock::now() - start;
          // Nodes that run in turns share the time as they did in the calling thread.
          double share = 0;
          if (stage.producer != kNone) {
            share = call.context().scratch(0)->producer_share;
            samples[static_cast<size_t>(stage.producer)].push_back(took.count() * share);
            threads[static_cast<size_t>(stage.producer)] = used;
          }
          threads[static_cast<size_t>(stage.node)] = used;
          samples[static_cast<size_t>(stage.node)].push_back(took.count() * (1 - share));
        }
      }
    }
    // Threads that share a core share its limit.
    const int cores = available_threads();
    times->clear();
    for (size_t i = 0; i < samples.size(); ++i) {
      const double limit = core_limit(*state.plan.kernels, state.plan.nodes[i].kernel);
      times->push_back({median(&samples[i]), threads[i], std::min(threads[i], cores) * limit});
    }
    return {};
  } catch (const std::bad_alloc&) {
    return {Code::kMemory, "not enough memory"};
  }
}

}  // namespace sbnn
