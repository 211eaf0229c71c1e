// A whole network with every kind of node: the same bits on every instruction set and number of
// threads, in batches and one by one, called by several threads at once.
//
// What the bits must be is for the Python tests, which have an oracle; built with a sanitizer, this
// shows that every kernel stays within its arrays and every thread within its part.

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "model_writer.h"
#include "signbit/engine.h"

namespace {

constexpr int kHeight = 13, kWidth = 11, kColours = 3, kClasses = 7;
constexpr int kImages = 5;
constexpr int kImageBytes = kHeight * kWidth * kColours;

using EnginePointer = std::unique_ptr<sbnn::Engine>;
using Logits = std::vector<float>;

std::string common(const std::string& name, const std::string& op, const std::string& input) {
  return R"("name":")" + name + R"(","op":")" + op + R"(","input":")" + input + R"(",)";
}

std::string window(int kernel, int stride, int padding, int dilation, int groups) {
  const auto pair = [](int value) {
    return "[" + std::to_string(value) + "," + std::to_string(value) + "],";
  };
  return "\"kernel\":" + pair(kernel) + "\"stride\":" + pair(stride) +
         "\"padding\":" + pair(padding) + "\"dilation\":" + pair(dilation) +
         "\"groups\":" + std::to_string(groups) + ",";
}

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

std::vector<uint8_t> pixels() {
  test::Random random(2);
  std::vector<uint8_t> result(kImages * kImageBytes);
  for (uint8_t& pixel : result) pixel = static_cast<uint8_t>(random.next());
  return result;
}

EnginePointer load(const std::vector<uint8_t>& bytes, int threads, const std::string& isa) {
  EnginePointer engine;
  const sbnn::Status status =
      sbnn::Engine::load(bytes.data(), bytes.size(), {threads, isa}, &engine);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  CHECK(status.ok());
  return engine;
}

// Logits of `count` images from number `first` on; `pixel_bytes` is 4 for float32.
Logits run(sbnn::Engine* engine, const void* images, int first, int count, int pixel_bytes) {
  const bool is_float = pixel_bytes == 4;
  const auto* from = static_cast<const uint8_t*>(images) + first * kImageBytes * pixel_bytes;
  Logits logits(static_cast<size_t>(count * kClasses));
  CHECK(engine->run({from, count, is_float}, logits.data()).ok());
  return logits;
}

bool same_bits(const float* a, const float* b, int count) {
  return std::memcmp(a, b, static_cast<size_t>(count) * sizeof(float)) == 0;
}

void test_everywhere(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& images,
                     const Logits& expected) {
  const std::vector<float> real(images.begin(), images.end());
  for (const std::string& isa : sbnn::usable_isas()) {
    for (int threads = 1; threads <= 4; ++threads) {
      const EnginePointer engine = load(bytes, threads, isa);
      CHECK(engine->isa() == isa && engine->threads() == threads);
      for (const int batch : {1, 2, kImages}) {
        for (int first = 0; first + batch <= kImages; first += batch) {
          const float* const wanted = expected.data() + first * kClasses;
          const Logits of_bytes = run(engine.get(), images.data(), first, batch, 1);
          const Logits of_floats = run(engine.get(), real.data(), first, batch, 4);
          CHECK(same_bits(of_bytes.data(), wanted, batch * kClasses));
          CHECK(same_bits(of_floats.data(), wanted, batch * kClasses));
        }
      }
    }
  }
}

// One engine, more callers than it has threads: one of them gets the pool, the others do without.
void test_callers_at_once(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& images,
                          const Logits& expected) {
  for (const std::string& isa : sbnn::usable_isas()) {
    const EnginePointer engine = load(bytes, 3, isa);
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&, caller] {
        for (int round = 0; round < 20; ++round) {
          const int first = (caller + round) % kImages;
          const int count = 1 + round % (kImages - first);
          const Logits logits = run(engine.get(), images.data(), first, count, 1);
          const float* const wanted = expected.data() + first * kClasses;
          if (!same_bits(logits.data(), wanted, count * kClasses)) ++wrong;
        }
      });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(wrong == 0);
  }
}

// Every tensor and every dot of one image, as one array of bytes each.
std::vector<std::vector<uint8_t>> look_inside(sbnn::Engine* engine,
                                              const std::vector<uint8_t>& images) {
  const sbnn::Graph& graph = engine->graph();
  const std::vector<sbnn::NodeInfo> nodes = engine->nodes();
  std::vector<std::vector<uint8_t>> results;
  std::vector<sbnn::Fetch> fetches;
  results.reserve(graph.tensors.size() + nodes.size());
  const auto want = [&](int tensor, int node, int64_t elements, int64_t element_bytes) {
    results.emplace_back(static_cast<size_t>(elements * element_bytes));
    fetches.push_back({tensor, node, results.back().data()});
  };
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const sbnn::TensorSpec& tensor = graph.tensors[i];
    if (tensor.kind == sbnn::Kind::kImage) continue;
    want(static_cast<int>(i), sbnn::kNone, tensor.height * tensor.width * tensor.channels,
         tensor.kind == sbnn::Kind::kBits ? 1 : 4);
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].op != "binary_conv") continue;
    want(sbnn::kNone, static_cast<int>(i),
         nodes[i].dots_height * nodes[i].dots_width * nodes[i].dots_channels, 4);
  }
  CHECK(engine->run_nodes(1, {{graph.input, images.data(), false}}, fetches).ok());
  return results;
}

void test_inside(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& images) {
  const auto expected = look_inside(load(bytes, 1, "scalar").get(), images);
  for (const std::string& isa : sbnn::usable_isas()) {
    for (const int threads : {1, 3}) {
      CHECK(look_inside(load(bytes, threads, isa).get(), images) == expected);
    }
  }
}

void test_timing(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& images,
                 const Logits& expected) {
  const EnginePointer engine = load(bytes, 2, "");
  std::vector<sbnn::NodeTime> times;
  for (const int count : {0, kImages}) {
    CHECK(engine->time_nodes({images.data(), count, false}, 3, &times).ok());
    CHECK(times.size() == engine->nodes().size());
    for (size_t i = 0; i < times.size(); ++i) {
      const std::string op = engine->nodes()[i].op;
      CHECK(times[i].milliseconds > 0);
      CHECK((times[i].limit_gmacs > 0) == (op == "binary_conv" || op == "real_conv"));
    }
  }
  CHECK(run(engine.get(), images.data(), 0, kImages, 1) == expected);
}

}  // namespace

int main() {
  const std::vector<uint8_t> bytes = model();
  const std::vector<uint8_t> images = pixels();
  const EnginePointer scalar = load(bytes, 1, "scalar");
  if (scalar == nullptr) return test::finish();
  const Logits expected = run(scalar.get(), images.data(), 0, kImages, 1);
  for (int image = 1; image < kImages; ++image) {  // the images do reach the logits
    CHECK(!same_bits(expected.data(), expected.data() + image * kClasses, kClasses));
  }
  test_everywhere(bytes, images, expected);
  test_callers_at_once(bytes, images, expected);
  test_inside(bytes, images);
  test_timing(bytes, images, expected);
  return test::finish();
}
