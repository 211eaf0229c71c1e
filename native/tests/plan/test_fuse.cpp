// Which chains have a kernel of their own, and what the others keep.

#include "check.h"
#include "engine_case.h"
#include "plan/fuse.h"

using test::add;
using test::affine;
using test::integer_signs;
using test::key;
using test::maxout;
using test::offset;
using test::output;
using test::outputs;
using test::signs;
using test::step;
using test::steps;

namespace {

constexpr int kChannels = 16, kSize = 5;

// image → reals and signs of kChannels, a map and sums of one channel, then one node of `op`.
struct Case {
  test::ModelWriter file{1};
  int reals = 0, bits = 0, map = 0, sums = 0;
  sbnn::Graph read;
  sbnn::FusedGraph fused;

  Case() {
    const int image = file.input("image", kSize, kSize, 3);
    reals = file.node("real_conv", {image},
                      key("weight", file.floats({kChannels, 1, 1, 3}, -1, 1)) +
                          outputs({output("real"), output("signs")}),
                      2);
    bits = reals + 1;
    map = file.node("mean_abs", {reals});
    sums = file.node("sign_sum", {bits});
  }

  std::string weight() { return key("weight", file.signs(kChannels, kChannels)); }
  const sbnn::FusedNode& node(const std::string& op, std::initializer_list<int> inputs,
                              const std::string& keys, int count = 1, bool fuse = true) {
    const int first = file.node(op, inputs, keys, count);
    for (int i = 0; i < count; ++i) file.output(first + i);
    const std::vector<uint8_t> bytes = file.file();
    const sbnn::Status status = sbnn::read_model(bytes.data(), bytes.size(), {}, &read);
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
    CHECK(status.ok());
    fused = sbnn::fuse_graph(read, fuse);
    return fused.nodes.back();
  }
};

const char* const kTile = R"(,"repeat":"tile")";
const char* const kEach = R"(,"repeat":"each")";

void test_whole_epilogue() {
  Case whole;
  test::ModelWriter& file = whole.file;
  const std::string keys = whole.weight() +
                           steps({affine(&file, kChannels, 1), add(1, R"(,"every":[1,1])"),
                                  maxout(&file, kChannels), offset(&file, kChannels)}) +
                           outputs({output("real"), signs(&file, kChannels)});
  const sbnn::FusedNode& node = whole.node("binary_conv", {whole.bits, whole.reals}, keys, 2);
  CHECK(!node.by_steps && node.steps.empty() && node.outputs.empty());
  CHECK(node.shortcut.tensor == whole.reals && !node.shortcut.repeat);
  CHECK(node.activation == sbnn::Activation::kMaxout && node.offset != sbnn::kNone);
  CHECK(node.real != sbnn::kNone && node.signs.size() == 1);
  CHECK(node.signs[0].tensor == node.real + 1);
}

void test_without_fusion() {
  Case plain;
  const std::string keys = plain.weight() + steps({affine(&plain.file, kChannels, 1), add(1)});
  const sbnn::FusedNode& node =
      plain.node("binary_conv", {plain.bits, plain.reals}, keys, 1, false);
  CHECK(node.by_steps && node.steps.size() == 2 && node.outputs.size() == 1);
  CHECK(node.scale == sbnn::kNone && node.shortcut.tensor == sbnn::kNone);
  CHECK(node.real == sbnn::kNone && node.signs.empty());
  int reads = 0, writes = 0;
  node.for_inputs([&](int) { ++reads; });
  node.for_outputs([&](int) { ++writes; });
  CHECK(reads == 2 && writes == 1);
}

// Of a binary convolution that reads signs and, where `operand` names it, another tensor.
template <typename Keys>
bool fuses(Keys keys_of, int Case::* operand = nullptr, int count = 1) {
  Case tried;
  const std::string keys = tried.weight() + keys_of(&tried.file);
  if (operand == nullptr) return !tried.node("binary_conv", {tried.bits}, keys, count).by_steps;
  return !tried.node("binary_conv", {tried.bits, tried.*operand}, keys, count).by_steps;
}

void test_order() {
  using File = test::ModelWriter;
  const auto with_reals = [](auto steps_of) { return fuses(steps_of, &Case::reals); };
  const auto alone = [](auto steps_of, int count = 1) { return fuses(steps_of, nullptr, count); };
  CHECK(alone([](File*) { return std::string(); }));
  for (const char* const activation : {"relu", "hardtanh", "sigmoid"}) {
    CHECK(alone([=](File*) { return steps({step(activation)}); }));
  }
  for (const char* const other : {"hard_sigmoid", "hardswish", "silu", "gelu", "tanh"}) {
    CHECK(!alone([=](File*) { return steps({step(other)}); }));
  }
  CHECK(alone([](File* file) { return steps({step("relu"), offset(file, kChannels)}); }));
  CHECK(!alone([](File* file) { return steps({offset(file, kChannels), step("relu")}); }));
  CHECK(!alone([](File*) { return steps({step("relu"), step("relu")}); }));
  CHECK(!alone([](File* file) { return steps({step("relu"), affine(file, kChannels, 1)}); }));
  CHECK(with_reals([](File* file) { return steps({affine(file, kChannels, 1), add(1)}); }));
  CHECK(with_reals([](File*) { return steps({add(1)}); }));
  CHECK(with_reals([](File*) { return steps({add(1, kTile)}); }));
  CHECK(!with_reals([](File*) { return steps({add(1, kEach)}); }));
  CHECK(!with_reals([](File* file) { return steps({add(1), affine(file, kChannels, 1)}); }));
  CHECK(!with_reals([](File*) { return steps({step("subtract", key("input", 1))}); }));
  CHECK(!with_reals([](File*) { return steps({step("multiply", key("input", 1))}); }));
  CHECK(!with_reals([](File* file) {
    return steps({add(1, key("weighted", file->floats({kChannels}, -1, 1)))});
  }));
}

// XNOR-Net's map, what an offset of weights owes, and what it owes at the border.
void test_steps_without_an_epilogue() {
  using File = test::ModelWriter;
  CHECK(
      !fuses([](File*) { return steps({step("multiply", key("input", 1) + kTile)}); }, &Case::map));
  CHECK(!fuses(
      [](File* file) {
        return steps({add(1, key("weighted", file->floats({kChannels}, -1, 1)) + kEach)});
      },
      &Case::sums));
  CHECK(!fuses([](File* file) {
    const std::string taps = R"(,"row_taps":[[0,1]],"column_taps":[[0,1]])";
    return steps({step("affine", key("scale", file->floats({kChannels}, -1, 1)) +
                                     key("shift", file->floats({1, 1, kChannels}, -1, 1)) + taps)});
  }));
}

void test_outputs() {
  using File = test::ModelWriter;
  const auto is_fused = [](auto outputs_of, int count) {
    return fuses(outputs_of, nullptr, count);
  };
  CHECK(is_fused([](File* file) { return outputs({integer_signs(file, kChannels)}); }, 1));
  CHECK(is_fused(
      [](File* file) {
        return steps({step("relu")}) + outputs({integer_signs(file, kChannels), output("real")});
      },
      2));
  CHECK(!is_fused([](File*) { return outputs({output("real"), output("real")}); }, 2));
  CHECK(!is_fused(
      [](File*) { return steps({step("relu")}) + outputs({output("real", key("after", 0))}); }, 1));
  CHECK(!is_fused(
      [](File*) { return steps({step("relu")}) + outputs({output("signs", key("after", 0))}); },
      1));
}

void test_few_channels() {
  for (const int channels : {15, 16}) {
    Case map;
    const std::string weight = key("weight", map.file.floats({channels, 1, 1, kChannels}, -1, 1));
    CHECK(map.node("real_conv", {map.reals}, weight).by_steps == (channels < 16));
  }
  Case vector;
  const std::string weight =
      key("weight", vector.file.floats({3, kSize, kSize, kChannels}, -1, 1)) + R"(,"kernel":[5,5])";
  CHECK(!vector.node("real_conv", {vector.reals}, weight).by_steps);
}

void test_pools_of_signs() {
  Case kept;
  const std::string flip = key("flip", kept.file.flips(kChannels));
  CHECK(!kept.node("max_pool", {kept.bits}, R"(,"kernel":[2,2])" + outputs({output("signs", flip)}))
             .by_steps);
  Case compared;
  CHECK(compared.node("max_pool", {compared.bits}, outputs({signs(&compared.file, kChannels)}))
            .by_steps);
  Case whole;
  const sbnn::FusedNode& node = whole.node("global_max", {whole.reals}, "");
  CHECK(!node.by_steps && node.op == sbnn::Op::kMaxPool && node.kernel.x == kSize);
}

}  // namespace

int main() {
  test_whole_epilogue();
  test_without_fusion();
  test_order();
  test_steps_without_an_epilogue();
  test_outputs();
  test_few_channels();
  test_pools_of_signs();
  return test::finish();
}
