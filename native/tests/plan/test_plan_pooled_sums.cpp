// Which max pools take their maxima of sums: only where no bit can tell.

#include <vector>

#include "check.h"
#include "plan/plan.h"

using sbnn::Activation;
using sbnn::kNone;
using sbnn::Op;

namespace {

// A convolution of two filters and the pool behind it.
struct Pair {
  std::vector<float> scale, shift;
  bool integer = true;
  sbnn::FusedNode conv, pool;

  Pair(std::vector<float> scales, std::vector<float> shifts)
      : scale(std::move(scales)), shift(std::move(shifts)) {
    conv.op = Op::kRealConv;
    conv.weight = 0;
    conv.scale = scale.empty() ? kNone : 1;
    conv.shift = scale.empty() ? kNone : 2;
    pool.op = Op::kMaxPool;
  }

  sbnn::Stage stage() const {
    sbnn::FusedGraph graph;
    const auto add = [&](sbnn::DType dtype, const std::vector<float>& values) {
      graph.constants.push_back({"",
                                 dtype,
                                 {},
                                 reinterpret_cast<const uint8_t*>(values.data()),
                                 values.size() * sizeof(float)});
    };
    add(integer ? sbnn::DType::kI16 : sbnn::DType::kF32, {});
    add(sbnn::DType::kF32, scale);
    add(sbnn::DType::kF32, shift);
    sbnn::Stage planned;
    plan_pooled_sums(graph, conv, pool, &planned);
    return planned;
  }

  bool fits() const { return stage().pools_sums; }
};

Pair with(std::vector<float> scale, std::vector<float> shift, bool integer) {
  Pair pair(std::move(scale), std::move(shift));
  pair.integer = integer;
  return pair;
}

void test_scales() {
  CHECK(Pair({}, {}).fits());
  CHECK(Pair({1, 1e-40f}, {0, -0.0f}).fits());
  CHECK(Pair({-1, 2}, {0, -0.0f}).fits());
  CHECK(!Pair({1, 0}, {1, 1}).fits());
  CHECK(!Pair({1, -0.0f}, {1, 1}).fits());
  // 0·-1 + -0.0 is -0.0, and a relu's 0 beside it +0.0.
  CHECK(!Pair({1, -1}, {1, -0.0f}).fits());
}

void test_float_sums() {
  CHECK(with({1, -1}, {1, -0x1p-100f}, false).fits());
  CHECK(!with({1, -1}, {1, 0x1p-101f}, false).fits());
  CHECK(!with({1, 1}, {1, 0}, false).fits());
  CHECK(!with({1, 0}, {1, 1}, false).fits());
  CHECK(!with({}, {}, false).fits());
}

void test_order() {
  CHECK(Pair({1, 2}, {0, 0}).stage().order.empty());
  const sbnn::Stage ints = Pair({1, -2}, {0, 0}).stage();
  CHECK(ints.order.size() == 2 && ints.order[0] == 0 && ints.order[1] == 0xffffffffu);
  const sbnn::Stage reals = with({-1, 2}, {1, 1}, false).stage();
  CHECK(reals.order.size() == 2 && reals.order[0] == 0x80000000u && reals.order[1] == 0);
}

void test_what_else_must_be() {
  const Pair fitting({1, 1}, {0, 0});
  const auto fits = [&](auto change) {
    Pair changed = fitting;
    change(changed);
    return changed.fits();
  };
  for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kHardtanh})
    CHECK(fits([&](Pair& p) { p.conv.activation = activation; }));
  for (const Activation activation :
       {Activation::kPrelu, Activation::kSigmoid, Activation::kMaxout})
    CHECK(!fits([&](Pair& p) { p.conv.activation = activation; }));
  CHECK(!fits([](Pair& p) { p.conv.op = Op::kBinaryConv; }));
  CHECK(!fits([](Pair& p) { p.conv.groups = 2; }));
  CHECK(!fits([](Pair& p) { p.conv.by_steps = true; }));
  CHECK(!fits([](Pair& p) { p.pool.by_steps = true; }));
  CHECK(!fits([](Pair& p) { p.conv.shortcut.tensor = 0; }));
  CHECK(!fits([](Pair& p) { p.conv.offset = 0; }));
  CHECK(!fits([](Pair& p) { p.pool.offset = 0; }));
  CHECK(!fits([](Pair& p) { p.pool.op = Op::kAvgPool; }));
  CHECK(!fits([](Pair& p) { p.pool.scale = 1; }));
  CHECK(!fits([](Pair& p) { p.pool.shortcut.tensor = 0; }));
  CHECK(!fits([](Pair& p) { p.pool.activation = Activation::kRelu; }));
}

}  // namespace

int main() {
  test_scales();
  test_float_sums();
  test_order();
  test_what_else_must_be();
  return test::finish();
}
