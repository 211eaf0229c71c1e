// Which tensors share memory: only those whose lives do not overlap, and a sum with its operand.

#include <ctime>

#include "check.h"
#include "plan/plan.h"

using sbnn::FusedGraph;
using sbnn::FusedNode;
using sbnn::kNone;
using sbnn::Op;

namespace {

constexpr int64_t kSize = 8;

// x → a chain of convolutions; tensors and nodes are named by their indices.
struct Chain {
  FusedGraph graph;

  explicit Chain(int64_t channels) {
    graph.constants.push_back({"weight", sbnn::DType::kF32, {}, nullptr, 0});
    graph.tensors.push_back({sbnn::Kind::kImage, kSize, kSize, 3});
    graph.inputs = 1;
    add(Op::kIdentity, 0, kNone, channels);
  }

  // A node that reads `input`, adds `shortcut` and writes a new real tensor, whose index it gives.
  int add(Op op, int input, int shortcut, int64_t channels, int64_t stride = 1) {
    const auto tensor = static_cast<int>(graph.tensors.size());
    graph.tensors.push_back({sbnn::Kind::kReal, kSize / stride, kSize / stride, channels});
    FusedNode node;
    node.op = op;
    node.input = input;
    node.weight = 0;
    node.shortcut.tensor = shortcut;
    node.shortcut.stride = {stride, stride};
    node.real = tensor;
    graph.nodes.push_back(node);
    graph.outputs = {tensor};
    return tensor;
  }

  // A node that reads `input` and writes new signs alone, whose index it gives.
  int add_signs(Op op, int input) {
    const auto tensor = static_cast<int>(graph.tensors.size());
    sbnn::TensorSpec signs = graph.tensors[static_cast<size_t>(input)];
    signs.kind = sbnn::Kind::kBits;
    graph.tensors.push_back(signs);
    FusedNode node;
    node.op = op;
    node.input = input;
    node.signs.push_back({});
    node.signs.back().tensor = tensor;
    graph.nodes.push_back(node);
    return tensor;
  }

  std::vector<sbnn::Stage> stages() const { return plan_stages(graph, plan_tensors(graph)); }

  bool share(int a, int b, bool reuse = true) const {
    const sbnn::StoragePlan plan = plan_storage(graph, plan_tensors(graph), reuse);
    return plan.offsets[static_cast<size_t>(a)] == plan.offsets[static_cast<size_t>(b)];
  }
};

constexpr int kFirst = 1;

void test_a_sum_overwrites_its_shortcut() {
  Chain chain(16);
  const int body = chain.add(Op::kRealConv, kFirst, kNone, 16);
  const int sum = chain.add(Op::kRealConv, body, kFirst, 16);
  CHECK(chain.share(sum, kFirst));
  CHECK(!chain.share(sum, kFirst, false));
  CHECK(!chain.share(sum, body));
}

void test_a_pointwise_node_overwrites_its_input() {
  Chain chain(32);
  const int body = chain.add(Op::kIdentity, kFirst, kNone, 32);
  CHECK(chain.share(body, kFirst));
  const int sum = chain.add(Op::kIdentity, body, body, 32);
  CHECK(chain.share(sum, body));
}

void test_what_is_read_later_stays() {
  Chain chain(16);
  const int body = chain.add(Op::kRealConv, kFirst, kNone, 16);
  const int sum = chain.add(Op::kRealConv, body, kFirst, 16);
  const int later = chain.add(Op::kRealConv, sum, kFirst, 16);
  CHECK(!chain.share(sum, kFirst));
  CHECK(chain.share(later, kFirst));
}

void test_other_elements_are_not_overwritten() {
  // Read at other places by the body itself.
  Chain body(16);
  CHECK(!body.share(body.add(Op::kRealConv, kFirst, kFirst, 16), kFirst));
  // Other shapes.
  Chain strided(16);
  const int half = strided.add(Op::kRealConv, kFirst, kNone, 16, 2);
  CHECK(!strided.share(strided.add(Op::kRealConv, half, kFirst, 16, 2), kFirst));
  Chain wider(16);
  const int wide = wider.add(Op::kRealConv, kFirst, kNone, 32);
  CHECK(!wider.share(wider.add(Op::kRealConv, wide, kFirst, 32), kFirst));
  // Vectors that reach into the next pixel.
  Chain odd(24);
  const int other = odd.add(Op::kRealConv, kFirst, kNone, 24);
  CHECK(!odd.share(odd.add(Op::kRealConv, other, kFirst, 24), kFirst));
}

// A node that adds `operands` step by step, each with this `every`, and then writes reals.
int add_chain(Chain* chain, Op op, int input, const std::vector<int>& operands, int64_t every = 1) {
  const int reals = chain->add(op, input, kNone, 16);
  FusedNode& node = chain->graph.nodes.back();
  node.real = kNone;
  node.by_steps = true;
  for (const int operand : operands) {
    sbnn::ChainStep step;
    step.step.op = sbnn::StepOp::kAdd;
    sbnn::Value value;
    value.numbers = {every, every};
    step.step.keys.set(sbnn::Key::kEvery, value);
    step.operand = operand;
    node.steps.push_back(step);
  }
  node.outputs.emplace_back();
  node.outputs.back().tensor = reals;
  node.outputs.back().output.kind = sbnn::Kind::kReal;
  node.outputs.back().output.after = static_cast<int64_t>(operands.size());
  return reals;
}

void test_a_chain_overwrites_what_it_has_read() {
  Chain chain(16);
  const int signs = chain.add_signs(Op::kMaxPool, kFirst);
  const int sum = add_chain(&chain, Op::kBinaryConv, signs, {kFirst, kFirst});
  CHECK(chain.share(sum, kFirst));
  chain.graph.nodes.back().outputs[0].output.after = 1;  // the second step reads it later
  CHECK(!chain.share(sum, kFirst));
  Chain spread(16);
  const int bits = spread.add_signs(Op::kMaxPool, kFirst);
  CHECK(!spread.share(add_chain(&spread, Op::kBinaryConv, bits, {kFirst}, 0), kFirst));
  Chain pointwise(16);
  CHECK(pointwise.share(add_chain(&pointwise, Op::kIdentity, kFirst, {kFirst}), kFirst));
  Chain body(16);
  CHECK(!body.share(add_chain(&body, Op::kRealConv, kFirst, {kFirst}), kFirst));
}

void test_one_output_of_a_chain_overwrites() {
  Chain chain(16);
  const int other = chain.add(Op::kRealConv, kFirst, kNone, 16);
  const int first = add_chain(&chain, Op::kIdentity, kFirst, {other});
  const int second = chain.add(Op::kIdentity, kFirst, kNone, 16);
  chain.graph.nodes.pop_back();
  FusedNode& node = chain.graph.nodes.back();
  node.outputs.push_back(node.outputs.back());
  node.outputs.back().tensor = second;
  chain.graph.outputs = {first, second};
  CHECK(chain.share(first, kFirst) && !chain.share(second, first) && !chain.share(second, other));
}

void test_operands_stay_until_they_are_read() {
  Chain chain(16);
  const int early = chain.add(Op::kRealConv, kFirst, kNone, 16);
  const int signs = chain.add_signs(Op::kMaxPool, kFirst);
  const int other = chain.add(Op::kRealConv, kFirst, kNone, 16);
  add_chain(&chain, Op::kBinaryConv, signs, {});
  CHECK(chain.share(other, early));
  chain.graph.nodes.back().steps.emplace_back();
  chain.graph.nodes.back().steps.back().operand = early;
  CHECK(!chain.share(other, early));
}

void test_a_band_needs_no_memory() {
  Chain chain(16);
  const int body = chain.add(Op::kRealConv, kFirst, kNone, 16);
  const int pool = chain.add(Op::kMaxPool, body, kNone, 16);
  const int end = chain.add(Op::kRealConv, pool, kNone, 16);
  const auto tensors = plan_tensors(chain.graph);
  CHECK(plan_storage(chain.graph, tensors, true).offsets[static_cast<size_t>(body)] == kNone);
  CHECK(plan_storage(chain.graph, tensors, false).offsets[static_cast<size_t>(body)] != kNone);
  // The pool runs in turns with its producer, which still reads what it reads.
  CHECK(!chain.share(pool, kFirst));
  CHECK(chain.share(end, kFirst));
  const std::vector<sbnn::Stage> stages = plan_stages(chain.graph, tensors);
  CHECK(stages.size() == 3 && stages[1].producer == 1 && stages[1].node == 2);
}

void test_signs_for_one_convolution_are_made_by_its_stage() {
  Chain chain(16);
  const int signs = chain.add_signs(Op::kIdentity, kFirst);
  const int sum = chain.add(Op::kBinaryConv, signs, kFirst, 16);
  const std::vector<sbnn::Stage> stages = chain.stages();
  CHECK(stages.size() == 2 && stages[1].producer == 1 && stages[1].node == 2);
  const sbnn::StoragePlan storage = plan_storage(chain.graph, plan_tensors(chain.graph), true);
  CHECK(storage.offsets[static_cast<size_t>(signs)] == kNone);
  // A thread's signs come from rows whose sums may be another's.
  CHECK(!chain.share(sum, kFirst));
}

void test_signs_that_others_read_exist_as_a_whole() {
  Chain pools(16);
  pools.add(Op::kBinaryConv, pools.add_signs(Op::kMaxPool, pools.add_signs(Op::kIdentity, kFirst)),
            kNone, 16);
  CHECK(pools.stages().size() == 4);
  Chain two(16);
  const int signs = two.add_signs(Op::kIdentity, kFirst);
  two.add(Op::kBinaryConv, signs, kNone, 16);
  two.add(Op::kBinaryConv, signs, kNone, 16);
  CHECK(two.stages().size() == 4);
}

void test_rows_are_summed_for_the_mean_behind_them() {
  Chain chain(16);
  const int mean = chain.add(Op::kGlobalMean, kFirst, kNone, 16, kSize);
  chain.add(Op::kIdentity, mean, kNone, 16, kSize);
  std::vector<sbnn::Stage> stages = chain.stages();
  CHECK(stages.size() == 3 && stages[0].row_sums_of != kNone && !stages[0].reads_row_sums);
  CHECK(stages[1].reads_row_sums && stages[1].row_sums_of == kNone && !stages[2].reads_row_sums);
  const sbnn::StoragePlan storage = plan_storage(chain.graph, plan_tensors(chain.graph), true);
  constexpr int64_t kSums = kSize * 16 * static_cast<int64_t>(sizeof(float));
  CHECK(storage.bytes - storage.row_sums == kSums);
  // Another node between them, or pixels that are not whole vectors.
  Chain later(16);
  later.add(Op::kIdentity, kFirst, kNone, 16);
  later.add(Op::kGlobalMean, kFirst, kNone, 16, kSize);
  CHECK(!later.stages()[2].reads_row_sums);
  Chain odd(24);
  odd.add(Op::kGlobalMean, kFirst, kNone, 24, kSize);
  CHECK(odd.stages()[0].row_sums_of == kNone && !odd.stages()[1].reads_row_sums);
}

void test_what_others_read_is_no_band() {
  Chain chain(16);
  const int body = chain.add(Op::kRealConv, kFirst, kNone, 16);
  const int pool = chain.add(Op::kMaxPool, body, kNone, 16);
  chain.add(Op::kRealConv, pool, body, 16);
  CHECK(plan_stages(chain.graph, plan_tensors(chain.graph)).size() == 4);
}

// Half of the tensors wait for the other half, which reads them last to first.
void test_many_tensors_are_placed_at_once() {
  constexpr int kHalf = 30000;
  Chain chain(16);
  for (int i = 1; i < kHalf; ++i) chain.add(Op::kRealConv, kFirst, kNone, 16);
  int all = kHalf;
  for (int i = kHalf; i > 0; --i) {
    all = chain.add(Op::kConcat, all, kNone, 16);
    chain.graph.nodes.back().more_inputs = {i};
  }
  const auto tensors = plan_tensors(chain.graph);
  const std::clock_t start = std::clock();
  const sbnn::StoragePlan plan = plan_storage(chain.graph, tensors, true);
  CHECK(std::clock() - start < CLOCKS_PER_SEC / 2);
  // The first of the second half needs a place of its own, others lie where what they read lay.
  const int64_t each = sbnn::round_up(tensors[kFirst].bytes, sbnn::kAlignment);
  CHECK(plan.bytes == (kHalf + 1) * each);
}

}  // namespace

int main() {
  test_a_sum_overwrites_its_shortcut();
  test_a_pointwise_node_overwrites_its_input();
  test_what_is_read_later_stays();
  test_other_elements_are_not_overwritten();
  test_a_chain_overwrites_what_it_has_read();
  test_one_output_of_a_chain_overwrites();
  test_operands_stay_until_they_are_read();
  test_a_band_needs_no_memory();
  test_signs_for_one_convolution_are_made_by_its_stage();
  test_signs_that_others_read_exist_as_a_whole();
  test_rows_are_summed_for_the_mean_behind_them();
  test_what_others_read_is_no_band();
  test_many_tensors_are_placed_at_once();
  return test::finish();
}
