// A network of the operations and steps that no kernel joins with others, see engine_case.h.

#include "engine_case.h"

using test::add;
using test::affine;
using test::integer_signs;
using test::kClasses;
using test::kColours;
using test::key;
using test::kHeight;
using test::kWidth;
using test::maxout;
using test::offset;
using test::output;
using test::outputs;
using test::signs;
using test::step;
using test::steps;
using test::window;

namespace {

std::string clip(test::ModelWriter* file, int channels) {
  return step("clip", key("low", file->floats({channels}, -2, 0)) +
                          key("high", file->floats({channels}, 0.5f, 3)));
}

std::vector<uint8_t> model() {
  test::ModelWriter file(4);
  const int image = file.input("image", kHeight, kWidth, kColours);
  const int pixels = file.node(
      "identity", {image},
      outputs({output("real"), output("signs", key("threshold", file.floats({3}, 50, 200)))}), 2);
  // Sides of their own, real and binary, missing taps of either sign.
  const int stem = file.node("real_conv", {image},
                             R"(,"kernel":[3,3],"padding":[0,2,1,0])" +
                                 key("weight", file.floats({20, 3, 3, kColours}, -0.01f, 0.01f)) +
                                 steps({affine(&file, 20, 1), step("tanh")}) +
                                 outputs({output("real"), signs(&file, 20, key("after", 1)),
                                          output("real", key("after", 1))}),
                             3);  // 12 × 11
  const int positive =
      file.node("binary_conv", {stem + 1, stem},
                R"(,"kernel":[2,3],"padding":[1,0,0,2],"pad_sign":"positive")" +
                    key("weight", file.signs(20, 6 * 20)) +
                    steps({affine(&file, 20, 0.1f), step("silu"), add(1), step("gelu"),
                           affine(&file, 20, 1), step("subtract", key("input", 1))}) +
                    outputs({output("real"), integer_signs(&file, 20),
                             output("real", key("after", 2)), signs(&file, 20, key("after", 3))}),
                4);
  const int negative = file.node(
      "binary_conv", {positive + 1, positive, stem},
      R"(,"kernel":[3,3],"padding":[2,1,0,1],"pad_sign":"negative")" +
          key("weight", file.signs(24, 9 * 20)) +
          steps({step("hard_sigmoid"), step("multiply", key("input", 1) + key("offset", 3)),
                 add(2, key("offset", 1) + key("weighted", file.floats({24}, -1, 1))),
                 step("hardswish"), clip(&file, 24)}) +
          outputs({output("real"), signs(&file, 24)}),
      2);
  // Moves of reals and of signs.
  const int joined = file.node("concat", {positive, negative, stem},
                               steps({step("multiply", key("input", 2) + R"(,"repeat":"tile")")}));
  const int halves = file.node("max_pool", {joined},
                               R"(,"kernel":[3,3],"stride":[2,2],"padding":[1,0,0,1],"ceil":true)" +
                                   outputs({output("real"), signs(&file, 44)}),
                               2);  // 6 × 6
  const int part = file.node("slice", {halves}, key("first", 5) + key("count", 36));
  const int spread = file.node("depth_to_space", {part}, key("block", 3));      // 18 × 18 × 4
  const int gathered = file.node("space_to_depth", {spread}, key("block", 2));  // 9 × 9 × 16
  const int dilated =
      file.node("max_pool", {gathered},
                R"(,"kernel":[2,3],"dilation":[3,2],"padding":[1,1,1,2])");  // 8 × 8
  const int shuffled = file.node("channel_shuffle", {dilated}, key("groups", 2));
  const int normalised =
      file.node("layer_norm", {shuffled},
                key("epsilon", file.floats({1}, 0.01f, 1)) + steps({affine(&file, 16, 1)}));
  const int turned = file.node("transpose", {normalised}, steps({step("gelu")}));      // 8 × 16 × 8
  const int rows = file.node("reshape", {turned}, key("rows", 8) + key("count", 16));  // 8 × 8
  const int means = file.node(
      "avg_pool", {rows},
      R"(,"kernel":[3,3],"stride":[2,2],"padding":[1,1,1,1],"ceil":true,"count_padding":true)" +
          steps({add(0, R"(,"repeat":"each")"), maxout(&file, 16), offset(&file, 16)}));  // 5 × 5
  const std::string kept = outputs({output("signs")});
  const int some = file.node("slice", {halves + 1}, key("first", 3) + key("count", 9) + kept);
  const int mixed = file.node("channel_shuffle", {some}, key("groups", 3) + kept);
  const int more = file.node("concat", {mixed, halves + 1}, kept);              // 6 × 6 × 53
  const int wide = file.node("upsample", {more}, R"(,"factor":[1,2])" + kept);  // 6 × 12
  const int columns = file.node("transpose", {wide}, kept);                     // 6 × 53 × 12
  const int pairs =
      file.node("reshape", {columns}, key("rows", 12) + key("count", 53) + kept);  // 12 × 6
  const int largest =
      file.node("max_pool", {pairs},
                R"(,"kernel":[2,2],"stride":[4,2],"dilation":[2,1])" +
                    steps({affine(&file, 53, 1)}) + outputs({output("real"), signs(&file, 53)}),
                2);  // 3 × 3
  const int gate = file.node("global_max", {largest}, steps({step("sigmoid")}));
  const int gated = file.node("identity", {largest + 1, gate},
                              steps({step("multiply", key("input", 1) + R"(,"every":[0,0])")}));
  // Vectors, joined at the end.
  const int flat = file.node("flatten", {gated});  // 477
  const int flat_signs = file.node("flatten", {positive + 3}, kept);
  const int dense = file.node("binary_conv", {flat_signs},
                              key("weight", file.signs(30, 12 * 11 * 20)) +
                                  steps({affine(&file, 30, 0.05f), clip(&file, 30)}));
  const int soft = file.node("softmax", {dense});
  const int unit = file.node("l2_normalise", {dense}, key("epsilon", file.floats({1}, 0.01f, 1)));
  const int mean = file.node("global_mean", {means});
  const int sums =
      file.node("sign_sum", {pixels + 1}, R"(,"kernel":[5,5],"padding":[1,2,3,0],"groups":3)");
  const int sum = file.node("global_mean", {sums}, steps({step("tanh")}));
  const int brightest = file.node("global_max", {pixels}, steps({step("relu"), step("hardtanh")}));
  const int all = file.node("concat", {flat, soft, unit, mean, sum, brightest});
  file.output(file.node("real_conv", {all},
                        key("weight", file.floats({kClasses, 1, 1, 559}, -1, 1)) +
                            steps({step("prelu", key("slope", file.floats({kClasses}, 0, 1)))})));
  return file.file();
}

}  // namespace

int main() {
  test::test_network(model());
  return test::finish();
}
