// Where tensors lie: the layout of each, and which share memory.

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <queue>
#include <set>

#include "plan/plan.h"

namespace sbnn {
namespace {

// What tensors have in common that may lie in one place after each other: all reals, and signs of
// the very same layout, whose border is where theirs is.
using Sharers = std::array<int64_t, 5>;

Sharers sharers_of(const TensorLayout& layout) {
  if (layout.kind != Kind::kBits) return {};
  return {layout.origin, layout.row_bytes, layout.pixel_bytes, layout.height, layout.width};
}

// A piece of the arena that holds one tensor at a time.
struct Slot {
  int64_t bytes = 0;
  int64_t offset = 0;
  Sharers sharers{};
  int free_after = -1;  // the last node that reads what is in it
  bool is_free = false;
};

// The last node that reads each tensor; past the end for outputs. What a producer reads is read
// until its stage has run.
std::vector<int> last_readers(const FusedGraph& graph, const std::vector<int>& reader_of) {
  std::vector<int> last(graph.tensors.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const FusedNode& node = graph.nodes[i];
    const int now = reader_of[i] == kNone ? static_cast<int>(i) : reader_of[i];
    node.for_inputs([&](int tensor) { last[static_cast<size_t>(tensor)] = now; });
    // A tensor that nobody reads still occupies its slot while it is written.
    node.for_outputs([&](int tensor) { last[static_cast<size_t>(tensor)] = now; });
  }
  for (const int output : graph.outputs) {
    last[static_cast<size_t>(output)] = static_cast<int>(graph.nodes.size());
  }
  return last;
}

class SlotAllocator {
 public:
  SlotAllocator(const std::vector<TensorLayout>& tensors, bool reuse)
      : tensors_(tensors), reuse_(reuse), slot_of_(tensors.size(), kNone) {}

  // Puts a tensor where another is, which nobody reads any more once its elements are overwritten.
  void replace(int tensor, int old_tensor, int last_reader) {
    occupy(slot_of_[static_cast<size_t>(old_tensor)], tensor, last_reader);
  }

  // A tensor takes the smallest free slot that is large enough, else the largest, enlarged.
  void place(int tensor, int now, int last_reader) {
    free_until(now);
    const TensorLayout& layout = tensors_[static_cast<size_t>(tensor)];
    const Sharers sharers = sharers_of(layout);
    int slot = take_free(sharers, layout.bytes);
    if (slot == kNone) {
      slot = static_cast<int>(slots_.size());
      slots_.emplace_back();
      slots_.back().sharers = sharers;
    }
    Slot& taken = slots_[static_cast<size_t>(slot)];
    taken.bytes = std::max(taken.bytes, layout.bytes);
    occupy(slot, tensor, last_reader);
  }

  StoragePlan finish() {
    StoragePlan plan;
    for (Slot& slot : slots_) {
      slot.offset = plan.bytes;
      plan.bytes += round_up(slot.bytes, static_cast<int64_t>(kAlignment));
    }
    for (const int slot : slot_of_) {
      plan.offsets.push_back(slot == kNone ? kNone : slots_[static_cast<size_t>(slot)].offset);
    }
    return plan;
  }

 private:
  using End = std::pair<int, int>;            // last reader, slot
  using SizedSlot = std::pair<int64_t, int>;  // bytes, slot

  void occupy(int slot, int tensor, int last_reader) {
    Slot& taken = slots_[static_cast<size_t>(slot)];
    taken.is_free = false;
    taken.free_after = last_reader;
    slot_of_[static_cast<size_t>(tensor)] = slot;
    if (reuse_) ends_.emplace(last_reader, slot);
  }

  // Frees the slots whose last reader is before node `now`, which only grows. A slot that was
  // occupied again meanwhile has a later end.
  void free_until(int now) {
    for (; !ends_.empty() && ends_.top().first < now; ends_.pop()) {
      const auto [end, index] = ends_.top();
      Slot& slot = slots_[static_cast<size_t>(index)];
      if (slot.is_free || slot.free_after != end) continue;
      slot.is_free = true;
      free_[slot.sharers].emplace(slot.bytes, index);
    }
  }

  int take_free(const Sharers& sharers, int64_t bytes) {
    const auto found = free_.find(sharers);
    if (found == free_.end() || found->second.empty()) return kNone;
    std::set<SizedSlot>& slots = found->second;
    auto best = slots.lower_bound({bytes, 0});
    if (best == slots.end()) best = slots.lower_bound({slots.rbegin()->first, 0});
    const int slot = best->second;
    slots.erase(best);
    return slot;
  }

  const std::vector<TensorLayout>& tensors_;
  bool reuse_;
  std::vector<Slot> slots_;
  std::vector<int> slot_of_;
  std::map<Sharers, std::set<SizedSlot>> free_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
};

}  // namespace

std::vector<TensorLayout> plan_tensors(const FusedGraph& graph) {
  const size_t count = graph.tensors.size();
  std::vector<TensorLayout> layouts(count);
  std::vector<int64_t> groups(count, 1);
  for (const FusedNode& node : graph.nodes) {
    if (node.op != Op::kBinaryConv && node.op != Op::kSignSum) continue;
    const auto input = static_cast<size_t>(node.input);
    if (node.groups > 1) groups[input] = node.groups;
    if (node.op != Op::kBinaryConv) continue;
    TensorLayout& layout = layouts[input];
    layout.border_y = std::max({layout.border_y, node.padding.top, node.padding.bottom});
    layout.border_x = std::max({layout.border_x, node.padding.left, node.padding.right});
  }
  for (size_t i = 0; i < count; ++i) {
    const TensorSpec& spec = graph.tensors[i];
    TensorLayout& layout = layouts[i];
    layout.kind = spec.kind;
    layout.height = spec.height;
    layout.width = spec.width;
    layout.channels = spec.channels;
    layout.pixel_bytes = spec.channels * static_cast<int64_t>(sizeof(float));
    if (spec.kind == Kind::kBits) {
      layout.bits = BitsLayout(spec.channels, groups[i]);
      layout.pixel_bytes = layout.bits.pixel_bytes;
    }
    layout.row_bytes = (spec.width + 2 * layout.border_x) * layout.pixel_bytes;
    layout.origin = layout.border_y * layout.row_bytes + layout.border_x * layout.pixel_bytes;
    layout.bytes =
        (spec.height + 2 * layout.border_y) * layout.row_bytes + static_cast<int64_t>(kSlackBytes);
  }
  return layouts;
}

// Finds a tensor that a node's reals may overwrite: each of its elements is read by the thread that
// writes the same element, just before it does. Kernels read whole vectors, so where pixels are not
// whole vectors a thread would also read what its neighbour writes.
class Overwriting {
 public:
  Overwriting(const FusedNode& node, const FusedNode* producer,
              const std::vector<TensorLayout>& tensors, const std::vector<int>& last, int now)
      : node_(node), producer_(producer), tensors_(tensors), last_(last), now_(now) {}

  // For an output of reals after some steps; kNone where there is none.
  int find(int real, int64_t after) const {
    int found = kNone;
    node_.for_inputs([&](int tensor) {
      if (found == kNone && fits(tensor, real) && !reads_elsewhere(tensor, after)) found = tensor;
    });
    return found;
  }

 private:
  bool fits(int tensor, int real) const {
    constexpr int64_t kVectorFloats = 16;
    const TensorLayout& old = tensors_[static_cast<size_t>(tensor)];
    const TensorLayout& wanted = tensors_[static_cast<size_t>(real)];
    return old.kind == Kind::kReal && last_[static_cast<size_t>(tensor)] == now_ &&
           old.height == wanted.height && old.width == wanted.width &&
           old.channels == wanted.channels && wanted.channels % kVectorFloats == 0;
  }

  // Whether a tensor of the output's size is read for other elements than its own, or later. A
  // producer reads rows that the other threads' outputs may lie in.
  bool reads_elsewhere(int tensor, int64_t after) const {
    bool elsewhere = tensor == node_.input && node_.op != Op::kIdentity;
    for (const int input : node_.more_inputs) elsewhere |= input == tensor;
    if (tensor == node_.shortcut.tensor) {
      elsewhere |= !is_same_element(node_.shortcut.stride, node_.shortcut.offset);
    }
    for (size_t s = 0; s < node_.steps.size(); ++s) {
      if (node_.steps[s].operand != tensor) continue;
      const Keys& keys = node_.steps[s].step.keys;
      elsewhere |= !is_same_element(keys.pair(Key::kEvery), keys.integer(Key::kOffset));
      elsewhere |= static_cast<int64_t>(s) >= after;
    }
    if (producer_ != nullptr) {
      producer_->for_inputs([&](int input) { elsewhere |= input == tensor; });
    }
    return elsewhere;
  }

  static bool is_same_element(const Pair& every, int64_t offset) {
    return every.y == 1 && every.x == 1 && offset == 0;
  }

  const FusedNode& node_;
  const FusedNode* const producer_;
  const std::vector<TensorLayout>& tensors_;
  const std::vector<int>& last_;
  const int now_;
};

StoragePlan plan_storage(const FusedGraph& graph, const std::vector<TensorLayout>& tensors,
                         bool reuse) {
  std::vector<Stage> stages;
  if (reuse) stages = plan_stages(graph, tensors);
  std::vector<int> reader_of(graph.nodes.size(), kNone);                   // of a producer
  std::vector<const FusedNode*> producer_of(graph.nodes.size(), nullptr);  // of its reader
  int64_t row_sums = 0;
  for (const Stage& stage : stages) {
    if (stage.producer != kNone) {
      reader_of[static_cast<size_t>(stage.producer)] = stage.node;
      producer_of[static_cast<size_t>(stage.node)] =
          &graph.nodes[static_cast<size_t>(stage.producer)];
    }
    if (stage.row_sums_of != kNone) {
      const TensorLayout& summed = tensors[static_cast<size_t>(stage.row_sums_of)];
      row_sums = std::max(row_sums, summed.height * row_sums_step(summed.channels));
    }
  }
  const std::vector<int> last = last_readers(graph, reader_of);
  SlotAllocator allocator(tensors, reuse);
  // Reals that a caller gives are there before the first node, and so are pixels of a table.
  for (int tensor = 0; tensor < graph.inputs; ++tensor) {
    const auto i = static_cast<size_t>(tensor);
    const bool is_kept = tensors[i].kind == Kind::kReal || graph.table_of(tensor) != kNone;
    if (is_kept) allocator.place(tensor, -1, last[i]);
  }
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const FusedNode& node = graph.nodes[i];
    const auto place = [&](int tensor) {
      allocator.place(tensor, static_cast<int>(i), last[static_cast<size_t>(tensor)]);
    };
    if (reader_of[i] != kNone) continue;  // what it makes is in bands
    const Overwriting overwriting(node, producer_of[i], tensors, last, static_cast<int>(i));
    bool overwrites = false;  // one tensor at most
    const auto place_reals = [&](int tensor, int64_t after) {
      const int old = reuse && !overwrites ? overwriting.find(tensor, after) : kNone;
      if (old == kNone) return place(tensor);
      overwrites = true;
      allocator.replace(tensor, old, last[static_cast<size_t>(tensor)]);
    };
    if (node.real != kNone) place_reals(node.real, 0);
    for (const SignOutput& output : node.signs) place(output.tensor);
    for (const auto& [tensor, output] : node.outputs) {
      if (output.kind == Kind::kReal) {
        place_reals(tensor, output.after);
      } else {
        place(tensor);
      }
    }
  }
  StoragePlan plan = allocator.finish();
  plan.row_sums = plan.bytes;
  plan.bytes += round_up(row_sums * static_cast<int64_t>(sizeof(float)), kAlignment);
  return plan;
}

}  // namespace sbnn
