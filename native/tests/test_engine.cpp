// A network with every kind of node of format version 1, see engine_case.h.

#include "engine_case.h"

using test::common;
using test::kClasses;
using test::kColours;
using test::kHeight;
using test::kWidth;
using test::window;

namespace {

// Sizes are odd and channel counts no multiples of a vector, so that every tail is met.
std::vector<uint8_t> model() {
  test::ModelWriter file(1);
  const auto affine = [&](const std::string& name, int channels, float size) {
    file.floats(name + ".scale", {channels}, -size, size);
    file.floats(name + ".shift", {channels}, -1, 1);
    return R"("scale":")" + name + R"(.scale","shift":")" + name + R"(.shift",)";
  };
  const auto signs = [&](const std::string& tensor, int channels, bool of_integers) {
    if (of_integers) {
      file.ints(tensor + ".threshold", {channels}, -9, 10);
    } else {
      file.floats(tensor + ".threshold", {channels}, -0.5f, 0.5f);
    }
    file.flips(tensor + ".flip", channels);
    return R"("signs":[{"tensor":")" + tensor + R"(","threshold":")" + tensor +
           R"(.threshold","flip":")" + tensor + R"(.flip"}])";
  };

  file.tensor("image", "image", kHeight, kWidth, kColours);
  file.tensor("r1", "real", kHeight, kWidth, 20);
  file.tensor("b1", "bits", kHeight, kWidth, 20);
  file.floats("stem.weight", {20, 3, 3, kColours}, -0.01f, 0.01f);
  file.floats("stem.pad", {kColours}, 90, 120);
  file.node(common("stem", "real_conv", "image") + window(3, 1, 1, 1, 1) +
            R"("weight":"stem.weight","pad_value":"stem.pad",)" + affine("stem", 20, 1) +
            R"("real":"r1",)" + signs("b1", 20, false));

  // A shortcut into the middle of the channels, reals and signs from one convolution.
  file.tensor("r2", "real", kHeight, kWidth, 24);
  file.tensor("b2", "bits", kHeight, kWidth, 24);
  file.signs("wide.weight", 24, 9 * 20);
  file.node(common("wide", "binary_conv", "b1") + window(3, 1, 1, 1, 1) +
            R"("weight":"wide.weight",)" + affine("wide", 24, 0.05f) +
            R"("shortcut":{"tensor":"r1","stride":[1,1],"offset":2},"activation":"hardtanh",)" +
            R"("real":"r2",)" + signs("b2", 24, false));

  // Integers only: pooled, then compared; more than a block of filters.
  file.tensor("b3", "bits", 6, 5, 100);
  file.signs("pooled.weight", 100, 9 * 24);
  file.node(common("pooled", "binary_conv", "b2") + window(3, 1, 1, 1, 1) +
            R"("weight":"pooled.weight","pool":{"kernel":[2,2],"stride":[2,2]},)" +
            signs("b3", 100, true));

  file.tensor("r4", "real", 6, 5, 40);
  file.signs("grouped.weight", 40, 9 * 25);
  file.floats("grouped.slope", {40}, -0.5f, 0.5f);
  file.node(common("grouped", "binary_conv", "b3") + window(3, 1, 2, 2, 4) +
            R"("weight":"grouped.weight",)" + affine("grouped", 40, 0.05f) +
            R"("shortcut":{"tensor":"r2","stride":[2,2],"offset":9},)" +
            R"("activation":"prelu","slope":"grouped.slope","real":"r4")");

  file.tensor("r5", "real", 3, 3, 40);
  file.tensor("b5", "bits", 3, 3, 40);
  file.node(common("maximum", "max_pool", "r4") +
            R"("kernel":[3,3],"stride":[2,2],"padding":[1,1],"real":"r5",)" +
            signs("b5", 40, false));

  file.tensor("b6", "bits", 2, 2, 40);
  file.floats("b6.zero", {40}, 0, 0);
  file.flips("b6.kept", 40);
  file.node(common("signs", "max_pool", "b5") +
            R"("kernel":[2,2],"stride":[1,1],"padding":[0,0],)" +
            R"("signs":[{"tensor":"b6","threshold":"b6.zero","flip":"b6.kept"}])");

  file.tensor("r7", "real", 2, 2, 40);
  file.node(common("average", "avg_pool", "r5") + R"("kernel":[2,2],"stride":[1,1],"real":"r7")");

  file.tensor("r8", "real", 2, 2, 40);
  file.signs("narrow.weight", 40, 40);
  file.node(common("narrow", "binary_conv", "b6") + window(1, 1, 0, 1, 1) +
            R"("weight":"narrow.weight",)" + affine("narrow", 40, 0.05f) +
            R"("shortcut":{"tensor":"r7","stride":[1,1],"offset":0},"activation":"relu",)" +
            R"("real":"r8")");

  // One threshold a channel and image, as ASD has them.
  file.tensor("mean", "real", 1, 1, 40);
  file.node(common("squeeze", "global_mean", "r8") + R"("real":"mean")");
  file.tensor("own", "real", 1, 1, 40);
  file.floats("excite.weight", {40, 1, 1, 40}, -1, 1);
  file.node(common("excite", "real_conv", "mean") + window(1, 1, 0, 1, 1) +
            R"("weight":"excite.weight","activation":"sigmoid","real":"own")");
  file.tensor("r9", "real", 2, 2, 40);
  file.node(common("shifted", "pointwise", "r8") +
            R"("shortcut":{"tensor":"own","stride":[0,0],"offset":0},"real":"r9")");

  file.tensor("logits", "real", 1, 1, kClasses);
  file.floats("classifier.weight", {kClasses, 2, 2, 40}, -1, 1);
  file.node(common("classifier", "real_conv", "r9") + window(2, 1, 0, 1, 1) +
            R"("weight":"classifier.weight","real":"logits")");
  return file.file("image", "logits");
}

}  // namespace

int main() {
  test::test_network(model());
  return test::finish();
}
