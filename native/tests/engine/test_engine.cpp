// A network of the nodes that kernels run in one pass, see engine_case.h.

#include "engine_case.h"

using test::add;
using test::affine;
using test::integer_signs;
using test::kClasses;
using test::kColours;
using test::key;
using test::kHeight;
using test::kWidth;
using test::output;
using test::outputs;
using test::signs;
using test::step;
using test::steps;
using test::window;

namespace {

// Sizes are odd and channel counts no multiples of a vector, so that every tail is met.
std::vector<uint8_t> model() {
  test::ModelWriter file(1);
  const int image = file.input("image", kHeight, kWidth, kColours);
  const int stem =
      file.node("real_conv", {image},
                window(3, 1, 1) + key("weight", file.floats({20, 3, 3, kColours}, -0.01f, 0.01f)) +
                    key("pad_value", file.floats({kColours}, 90, 120)) +
                    steps({affine(&file, 20, 1)}) + outputs({output("real"), signs(&file, 20)}),
                2);

  // A shortcut into the middle of the channels, reals and signs from one convolution.
  const int wide =
      file.node("binary_conv", {stem + 1, stem},
                window(3, 1, 1) + key("weight", file.signs(24, 9 * 20)) +
                    steps({affine(&file, 24, 0.05f), add(1, key("offset", 2)), step("hardtanh")}) +
                    outputs({output("real"), signs(&file, 24)}),
                2);

  // Integers only: pooled, then compared; more than a block of filters.
  const int pooled =
      file.node("binary_conv", {wide + 1},
                window(3, 1, 1) + R"(,"pool_kernel":[2,2],"pool_stride":[2,2])" +
                    key("weight", file.signs(100, 9 * 24)) + outputs({integer_signs(&file, 100)}));

  const int grouped =
      file.node("binary_conv", {pooled, wide},
                window(3, 1, 2, 2) + key("groups", 4) + key("weight", file.signs(40, 9 * 25)) +
                    steps({affine(&file, 40, 0.05f), add(1, R"(,"every":[2,2],"offset":9)"),
                           step("prelu", key("slope", file.floats({40}, -0.5f, 0.5f)))}));

  const int maximum = file.node("max_pool", {grouped},
                                window(3, 2, 1) + outputs({output("real"), signs(&file, 40)}), 2);
  const int largest =
      file.node("max_pool", {maximum + 1},
                window(2, 1, 0) + outputs({output("signs", key("flip", file.flips(40)))}));
  const int average =
      file.node("avg_pool", {maximum}, R"(,"kernel":[2,2],"stride":[1,1],"padding":[0,0,0,0])");

  const int narrow = file.node(
      "binary_conv", {largest, average},
      key("weight", file.signs(40, 40)) + steps({affine(&file, 40, 0.05f), add(1), step("relu")}));

  // One threshold for each channel and image, as ASD has them.
  const int mean = file.node("global_mean", {narrow});
  const int own =
      file.node("real_conv", {mean},
                key("weight", file.floats({40, 1, 1, 40}, -1, 1)) + steps({step("sigmoid")}));
  const int shifted = file.node("identity", {narrow, own}, steps({add(1, R"(,"every":[0,0])")}));

  file.output(file.node("real_conv", {shifted},
                        window(2, 1, 0) + key("weight", file.floats({kClasses, 2, 2, 40}, -1, 1))));
  return file.file();
}

}  // namespace

int main() {
  test::test_network(model());
  return test::finish();
}
