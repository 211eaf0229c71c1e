// A network with every part of format version 3, see engine_case.h.

#include "engine_case.h"

using test::common;
using test::kClasses;
using test::kColours;
using test::kHeight;
using test::kWidth;
using test::window;

namespace {

std::vector<uint8_t> model() {
  test::ModelWriter file(3);
  const auto affine = [&](const std::string& name, int channels, float size) {
    file.floats(name + ".scale", {channels}, -size, size);
    file.floats(name + ".shift", {channels}, -1, 1);
    return R"("scale":")" + name + R"(.scale","shift":")" + name + R"(.shift",)";
  };
  const auto maxout = [&](const std::string& name, int channels) {
    file.floats(name + ".slope", {channels}, -0.5f, 0.5f);
    file.floats(name + ".positive", {channels}, 0.5f, 1.5f);
    file.floats(name + ".offset", {channels}, -0.5f, 0.5f);
    return R"("activation":"maxout","slope":")" + name + R"(.slope","positive_slope":")" + name +
           R"(.positive","offset":")" + name + R"(.offset",)";
  };
  const auto signs = [&](const std::string& tensor, int channels) {
    file.floats(tensor + ".threshold", {channels}, -0.5f, 0.5f);
    file.flips(tensor + ".flip", channels);
    return R"("signs":[{"tensor":")" + tensor + R"(","threshold":")" + tensor +
           R"(.threshold","flip":")" + tensor + R"(.flip"}])";
  };

  // Packed weights on pixels.
  file.tensor("image", "image", kHeight, kWidth, kColours);
  file.tensor("r1", "real", kHeight, kWidth, 20);
  file.tensor("b1", "bits", kHeight, kWidth, 20);
  file.signs("stem.weight", 20, 9 * kColours);
  file.node(common("stem", "real_conv", "image") + window(3, 1, 1, 1, 1) +
            R"("weight":"stem.weight",)" + affine("stem", 20, 0.01f) + R"("real":"r1",)" +
            signs("b1", 20));

  file.tensor("a", "real", kHeight, kWidth, 1);
  file.node(common("magnitude", "mean_abs", "r1") + R"("real":"a")");
  file.tensor("k", "real", 7, 6, 1);
  file.floats("box.weight", {1, 3, 3, 1}, 0.1f, 0.12f);
  file.node(common("box", "real_conv", "a") + window(3, 2, 1, 1, 1) +
            R"("weight":"box.weight","real":"k")");
  file.tensor("s", "real", 7, 6, 4);
  file.node(common("sum", "sign_sum", "b1") + window(3, 2, 1, 1, 4) + R"("real":"s")");

  // Groups that are no whole vectors, all that can follow dots, a shortcut that repeats unevenly.
  file.tensor("r2", "real", 7, 6, 28);
  file.tensor("b2", "bits", 7, 6, 28);
  file.signs("all.weight", 28, 9 * 5);
  file.floats("all.sums", {28}, -0.1f, 0.1f);
  file.floats("all.scale", {28}, -0.1f, 0.1f);
  file.floats("all.shift", {3, 3, 28}, -1, 1);
  file.node(common("all", "binary_conv", "b1") + window(3, 2, 1, 1, 4) +
            R"("weight":"all.weight","map":"k","sums":{"tensor":"s","scale":"all.sums"},)" +
            R"("scale":"all.scale","shift":"all.shift",)" +
            R"("shortcut":{"tensor":"r1","stride":[2,2],"offset":0,"repeat":true},)" +
            maxout("all", 28) + R"("real":"r2",)" + signs("b2", 28));

  // A real convolution of signs, wide enough for what follows to be whole words.
  file.tensor("r3", "real", 7, 6, 32);
  file.tensor("b3", "bits", 7, 6, 32);
  file.floats("real.weight", {32, 3, 3, 28}, -0.05f, 0.05f);
  file.node(common("real", "real_conv", "b2") + window(3, 1, 2, 2, 1) +
            R"("weight":"real.weight","real":"r3",)" + signs("b3", 32));

  // ReActNet's pair: finished in registers where an instruction set can.
  file.tensor("r4", "real", 7, 6, 64);
  file.tensor("b4", "bits", 7, 6, 64);
  file.signs("pair.weight", 64, 32);
  file.node(common("pair", "binary_conv", "b3") + window(1, 1, 0, 1, 1) +
            R"("weight":"pair.weight",)" + affine("pair", 64, 0.1f) +
            R"("shortcut":{"tensor":"r3","stride":[1,1],"offset":0,"repeat":true},)" +
            maxout("pair", 64) + R"("real":"r4",)" + signs("b4", 64));

  file.tensor("logits", "real", 1, 1, kClasses);
  file.signs("classifier.weight", kClasses, 7 * 6 * 64);
  const std::string whole = R"("kernel":[7,6],"stride":[1,1],"padding":[0,0],"dilation":[1,1],)";
  file.node(common("classifier", "real_conv", "r4") + whole +
            R"("groups":1,"weight":"classifier.weight","real":"logits")");
  return file.file("image", "logits", 3);
}

}  // namespace

int main() {
  test::test_network(model());
  return test::finish();
}
