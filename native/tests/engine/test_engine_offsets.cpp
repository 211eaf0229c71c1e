// A network of what weight offsets, maps and maxouts need, see engine_case.h.

#include "engine_case.h"

using test::add;
using test::affine;
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

std::vector<uint8_t> model() {
  test::ModelWriter file(3);
  // Packed weights on pixels.
  const int image = file.input("image", kHeight, kWidth, kColours);
  const int stem =
      file.node("real_conv", {image},
                window(3, 1, 1) + key("weight", file.signs(20, 9 * kColours)) +
                    steps({affine(&file, 20, 0.01f)}) + outputs({output("real"), signs(&file, 20)}),
                2);
  const int magnitude = file.node("mean_abs", {stem});
  const int map =
      file.node("real_conv", {magnitude},
                window(3, 2, 1) + key("weight", file.floats({1, 3, 3, 1}, 0.1f, 0.12f)));
  const int sum = file.node("sign_sum", {stem + 1}, window(3, 2, 1) + key("groups", 4));

  // Groups that are no whole vectors, all that can follow dots, a shortcut that repeats unevenly.
  const std::string by_border = step(
      "affine", key("scale", file.floats({28}, -0.1f, 0.1f)) +
                    key("shift", file.floats({4, 3, 28}, -1, 1)) +
                    R"(,"row_taps":[[0,3],[1,3],[0,0],[0,2]],"column_taps":[[1,3],[0,2],[0,3]])");
  const std::string weighted = key("weighted", file.floats({28}, -0.1f, 0.1f));
  const int all =
      file.node("binary_conv", {stem + 1, map, sum, stem},
                window(3, 2, 1) + key("groups", 4) + key("weight", file.signs(28, 9 * 5)) +
                    steps({step("multiply", key("input", 1) + R"(,"repeat":"tile")"), by_border,
                           add(2, R"(,"repeat":"each")" + weighted),
                           add(3, R"(,"every":[2,2],"repeat":"tile")"), maxout(&file, 28),
                           offset(&file, 28)}) +
                    outputs({output("real"), signs(&file, 28)}),
                2);

  // A real convolution of signs, wide enough for what follows to be whole words.
  const int real =
      file.node("real_conv", {all + 1},
                window(3, 1, 2, 2) + key("weight", file.floats({32, 3, 3, 28}, -0.05f, 0.05f)) +
                    outputs({output("real"), signs(&file, 32)}),
                2);

  // ReActNet's pair: finished in registers where an instruction set can.
  const int pair = file.node("binary_conv", {real + 1, real},
                             key("weight", file.signs(64, 32)) +
                                 steps({affine(&file, 64, 0.1f), add(1, R"(,"repeat":"tile")"),
                                        maxout(&file, 64), offset(&file, 64)}) +
                                 outputs({output("real"), signs(&file, 64)}),
                             2);

  file.output(file.node("real_conv", {pair},
                        R"(,"kernel":[7,6])" + key("weight", file.signs(kClasses, 7 * 6 * 64))));
  return file.file();
}

}  // namespace

int main() {
  test::test_network(model());
  return test::finish();
}
