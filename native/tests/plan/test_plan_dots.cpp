// Which binary convolutions are finished in registers, and as what.

#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "plan/plan.h"

using sbnn::Activation;
using sbnn::kNone;
using sbnn::Op;

namespace {

// image → signs → one convolution of `channels` filters that adds a tensor of `added` channels.
struct Conv {
  sbnn::FusedGraph graph;
  std::vector<uint64_t> weight;
  std::vector<float> reals;

  Conv(int64_t channels, int64_t added)
      : weight(static_cast<size_t>(channels) * 9), reals(static_cast<size_t>(channels) * 9) {
    graph.inputs = 1;
    graph.tensors = {{sbnn::Kind::kImage, 5, 5, added},
                     {sbnn::Kind::kReal, 5, 5, added},
                     {sbnn::Kind::kBits, 5, 5, added},
                     {sbnn::Kind::kReal, 5, 5, channels},
                     {sbnn::Kind::kReal, 5, 5, 1}};
    graph.outputs = {3};
    const auto constant = [&](sbnn::DType dtype, const void* data, std::vector<int64_t> shape,
                              size_t bytes) {
      graph.constants.push_back(
          {"", dtype, std::move(shape), static_cast<const uint8_t*>(data), bytes});
    };
    const int64_t words = (9 * added + 63) / 64;
    constant(sbnn::DType::kU64, weight.data(), {channels, words},
             static_cast<size_t>(8 * channels * words));
    constant(sbnn::DType::kF32, reals.data(), {channels}, static_cast<size_t>(4 * channels));
    constant(sbnn::DType::kF32, reals.data(), {3, 3, channels}, static_cast<size_t>(36 * channels));
    sbnn::FusedNode prepare;
    prepare.input = 0;
    prepare.real = 1;
    sbnn::FusedNode conv;
    conv.op = Op::kBinaryConv;
    conv.input = 2;
    conv.kernel = {3, 3};
    conv.padding = {1, 1, 1, 1};
    conv.weight = 0;
    conv.scale = conv.shift = 1;
    conv.shortcut.tensor = 1;
    conv.shortcut.repeat = added < channels;
    conv.real = 3;
    graph.nodes = {prepare, conv};
  }

  sbnn::FusedNode& conv() { return graph.nodes[1]; }

  sbnn::NodePlan planned(const sbnn::KernelTable& kernels) const {
    sbnn::Plan plan;
    make_plan(graph, kernels, &plan);
    return std::move(plan.nodes[1]);
  }
};

void test_finishing(const sbnn::KernelTable& kernels) {
  const bool can = kernels.finish_dots != nullptr;
  const auto is = [&](const Conv& conv, bool finished, Activation activation) {
    const sbnn::NodePlan plan = conv.planned(kernels);
    return plan.finishes_dots == (can && finished) &&
           (!plan.finishes_dots || plan.finish == activation);
  };
  Conv plain(64, 64);
  CHECK(is(plain, true, Activation::kNone));
  CHECK(plain.planned(kernels).offset.empty());
  for (const Activation activation : {Activation::kNone, Activation::kPrelu}) {
    Conv biased(64, 64);
    biased.conv().activation = activation;
    biased.conv().slope = activation == Activation::kPrelu ? 1 : kNone;
    CHECK(is(biased, true, activation));
    biased.conv().offset = 1;
    CHECK(is(biased, true, Activation::kMaxout));
    if (can) CHECK(biased.planned(kernels).positive_slope[63] == 1.0f);
  }
  Conv maxout(64, 64);
  maxout.conv().activation = Activation::kMaxout;
  maxout.conv().slope = maxout.conv().positive_slope = 1;
  CHECK(is(maxout, true, Activation::kMaxout));
  Conv hardtanh(64, 64);
  hardtanh.conv().activation = Activation::kHardtanh;
  CHECK(is(hardtanh, true, Activation::kHardtanh));
  hardtanh.conv().offset = 1;
  CHECK(is(hardtanh, false, Activation::kHardtanh));
  CHECK(is(Conv(64, 32), true, Activation::kMaxout));
  CHECK(is(Conv(128, 48), true, Activation::kMaxout));
  CHECK(is(Conv(64, 24), false, Activation::kMaxout));
}

}  // namespace

int main() {
  for (const sbnn::KernelTable* kernels : sbnn::usable_kernels()) {
    test_finishing(*kernels);
  }
  return test::finish();
}
