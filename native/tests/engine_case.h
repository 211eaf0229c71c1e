// A whole network held to itself: the same bits on every instruction set and number of threads, in
// batches and one by one, called by several threads at once.
//
// What the bits must be is for the Python tests, which have an oracle; built with a sanitizer, this
// shows that every kernel stays within its arrays and every thread within its part.
#pragma once

#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "check.h"
#include "model_writer.h"
#include "signbit/engine.h"

namespace test {

constexpr int kHeight = 13, kWidth = 11, kColours = 3, kClasses = 7;
constexpr int kImages = 5;
constexpr int kImageBytes = kHeight * kWidth * kColours;

using EnginePointer = std::unique_ptr<sbnn::Engine>;
using Logits = std::vector<float>;

// Keys of a window as ModelWriter::node takes them; padding is the same on all sides.
inline std::string window(int kernel, int stride, int padding, int dilation = 1) {
  const auto list = [](int value, int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += (i == 0 ? "[" : ",") + std::to_string(value);
    return text + "]";
  };
  return R"(,"kernel":)" + list(kernel, 2) + R"(,"stride":)" + list(stride, 2) + R"(,"padding":)" +
         list(padding, 4) + R"(,"dilation":)" + list(dilation, 2);
}

inline std::string key(const std::string& name, int value) {
  return ",\"" + name + "\":" + std::to_string(value);
}

// One step or output; `keys` as ModelWriter::node takes them.
inline std::string step(const std::string& op, const std::string& keys = "") {
  return R"({"op":")" + op + '"' + keys + "}";
}
inline std::string output(const std::string& kind, const std::string& keys = "") {
  return R"({"kind":")" + kind + '"' + keys + "}";
}

// A key that lists them.
inline std::string list(const std::string& name, std::initializer_list<std::string> items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return ",\"" + name + "\":[" + text + "]";
}
inline std::string steps(std::initializer_list<std::string> items) { return list("steps", items); }
inline std::string outputs(std::initializer_list<std::string> items) {
  return list("outputs", items);
}

// Steps and signs with constants of their own.
inline std::string affine(ModelWriter* file, int channels, float size) {
  return step("affine", key("scale", file->floats({channels}, -size, size)) +
                            key("shift", file->floats({channels}, -1, 1)));
}
inline std::string maxout(ModelWriter* file, int channels) {
  return step("maxout", key("slope", file->floats({channels}, -0.5f, 0.5f)) +
                            key("positive_slope", file->floats({channels}, 0.5f, 1.5f)));
}
inline std::string offset(ModelWriter* file, int channels) {
  return step("offset", key("value", file->floats({channels}, -0.5f, 0.5f)));
}
inline std::string add(int input, const std::string& keys = "") {
  return step("add", key("input", input) + keys);
}
inline std::string signs(ModelWriter* file, int channels, const std::string& keys = "") {
  return output("signs", key("threshold", file->floats({channels}, -0.5f, 0.5f)) +
                             key("flip", file->flips(channels)) + keys);
}
inline std::string integer_signs(ModelWriter* file, int channels) {
  return output("signs", key("threshold", file->ints({channels}, -9, 10)) +
                             key("flip", file->flips(channels)) + key("after", 0));
}

inline std::vector<uint8_t> pixels() {
  Random random(2);
  std::vector<uint8_t> result(kImages * kImageBytes);
  for (uint8_t& pixel : result) pixel = static_cast<uint8_t>(random.next());
  return result;
}

inline EnginePointer load(const std::vector<uint8_t>& bytes, int threads, const std::string& isa,
                          bool share_all = false, bool fuse = true) {
  EnginePointer engine;
  const sbnn::EngineOptions options{threads, isa, share_all, fuse, {}};
  const sbnn::Status status = sbnn::Engine::load(bytes.data(), bytes.size(), options, &engine);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  CHECK(status.ok());
  return engine;
}

// Logits of `count` images from number `first` on; `pixel_bytes` is 4 for float32.
inline Logits run(sbnn::Engine* engine, const void* images, int first, int count, int pixel_bytes) {
  const bool is_float = pixel_bytes == 4;
  const auto* from = static_cast<const uint8_t*>(images) + first * kImageBytes * pixel_bytes;
  Logits logits(static_cast<size_t>(count * kClasses));
  CHECK(engine->run({count, {{from, is_float}}}, {logits.data()}).ok());
  return logits;
}

inline bool same_bits(const float* a, const float* b, int count) {
  return std::memcmp(a, b, static_cast<size_t>(count) * sizeof(float)) == 0;
}

inline void test_everywhere(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& images,
                            const Logits& expected) {
  const std::vector<float> real(images.begin(), images.end());
  for (const std::string& isa : sbnn::usable_isas()) {
    for (const auto& [threads, share_all, fuse] :
         {std::tuple(1, false, true), std::tuple(2, false, true), std::tuple(3, false, true),
          std::tuple(4, false, true), std::tuple(2, true, true), std::tuple(3, true, true),
          std::tuple(4, true, true), std::tuple(8, true, true), std::tuple(1, false, false),
          std::tuple(3, true, false)}) {
      const EnginePointer engine = load(bytes, threads, isa, share_all, fuse);
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

// Every instruction set with nodes on the threads that pay, which for this network is one, and with
// all nodes on all threads.
inline std::vector<std::pair<std::string, bool>> with_and_without(
    const std::vector<std::string>& isas) {
  std::vector<std::pair<std::string, bool>> both;
  for (const std::string& isa : isas) {
    for (const bool share_all : {false, true}) both.emplace_back(isa, share_all);
  }
  return both;
}

// One engine, more callers than it has threads: one of them gets the pool, the others do without.
inline void test_callers_at_once(const std::vector<uint8_t>& bytes,
                                 const std::vector<uint8_t>& images, const Logits& expected) {
  for (const auto& [isa, share_all] : with_and_without(sbnn::usable_isas())) {
    const EnginePointer engine = load(bytes, 3, isa, share_all);
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
inline std::vector<std::vector<uint8_t>> look_inside(sbnn::Engine* engine,
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
  CHECK(engine->run_nodes(1, {{0, images.data(), false}}, fetches).ok());
  return results;
}

inline void test_inside(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& images) {
  const auto expected = look_inside(load(bytes, 1, "scalar").get(), images);
  for (const std::string& isa : sbnn::usable_isas()) {
    for (const int threads : {1, 3}) {
      for (const bool fuse : {true, false}) {
        CHECK(look_inside(load(bytes, threads, isa, false, fuse).get(), images) == expected);
      }
    }
  }
}

inline void test_timing(const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& images,
                        const Logits& expected) {
  const EnginePointer engine = load(bytes, 2, "");
  std::vector<sbnn::NodeTime> times;
  for (const int count : {0, kImages}) {
    CHECK(engine->time_nodes({count, {{images.data(), false}}}, 3, &times).ok());
    CHECK(times.size() == engine->nodes().size());
    for (size_t i = 0; i < times.size(); ++i) {
      const std::string op = engine->nodes()[i].op;
      CHECK(times[i].milliseconds > 0);
      CHECK((times[i].limit_gmacs > 0) == (op == "binary_conv" || op == "real_conv"));
    }
  }
  CHECK(run(engine.get(), images.data(), 0, kImages, 1) == expected);
}

// All of it, for a file whose input and output have the sizes above.
inline void test_network(const std::vector<uint8_t>& bytes) {
  const std::vector<uint8_t> images = pixels();
  const EnginePointer scalar = load(bytes, 1, "scalar");
  if (scalar == nullptr) return;
  const Logits expected = run(scalar.get(), images.data(), 0, kImages, 1);
  for (int image = 1; image < kImages; ++image) {  // the images do reach the logits
    CHECK(!same_bits(expected.data(), expected.data() + image * kClasses, kClasses));
  }
  test_everywhere(bytes, images, expected);
  test_callers_at_once(bytes, images, expected);
  test_inside(bytes, images);
  test_timing(bytes, images, expected);
}

}  // namespace test
