// A small model is loaded and run; wrong options, files and pixels are refused.

#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "model_writer.h"
#include "signbit/engine.h"

namespace {

using EnginePointer = std::unique_ptr<sbnn::Engine>;

sbnn::Status load(const std::vector<uint8_t>& bytes, EnginePointer* engine) {
  return sbnn::Engine::load(bytes.data(), bytes.size(), {1, ""}, engine);
}

// 2·x + 0.5 of one pixel's two values.
std::vector<uint8_t> affine() {
  test::ModelWriter model(1);
  const int image = model.input("image", 1, 1, 2);
  const int scale = model.floats({2}, 2, 2), shift = model.floats({2}, 0.5f, 0.5f);
  model.output(model.node("identity", {image},
                          R"(,"steps":[{"op":"affine","scale":)" + std::to_string(scale) +
                              R"(,"shift":)" + std::to_string(shift) + "}]"));
  return model.file();
}

void test_runs() {
  EnginePointer engine;
  CHECK(load(affine(), &engine).ok());
  const uint8_t pixels[] = {10, 200, 0, 1};
  float results[4] = {};
  CHECK(engine->run({2, {{pixels, false}}}, {results}).ok());
  CHECK(results[0] == 20.5f && results[1] == 400.5f && results[2] == 0.5f && results[3] == 2.5f);
  const float bad[] = {1.0f, __builtin_nanf("")};
  CHECK(engine->run({1, {{bad, true}}}, {results}).code() == sbnn::Code::kInput);
  CHECK(engine->run({0, {{pixels, false}}}, {results}).ok());
}

// A 1×1 convolution of two pixels' values with int16 weights of 8191, one filter.
void test_int16_stem() {
  test::ModelWriter model(2);
  const int image = model.input("image", 1, 1, 2);
  const int weight = model.shorts({1, 1, 1, 2}, 8191, 8192);
  model.output(model.node("real_conv", {image}, ",\"weight\":" + std::to_string(weight)));
  EnginePointer engine;
  CHECK(load(model.file(), &engine).ok());
  const uint8_t pixels[] = {255, 0, 3, 255};
  float results[2] = {};
  CHECK(engine->run({2, {{pixels, false}}}, {results}).ok());
  CHECK(results[0] == 255.0f * 8191.0f && results[1] == 258.0f * 8191.0f);
  int32_t dots[2] = {};
  CHECK(engine->run_nodes(2, {{0, pixels, false}}, {{sbnn::kNone, 0, dots}}).ok());
  CHECK(dots[0] == 255 * 8191 && dots[1] == 258 * 8191);
  const float reals[] = {1.0f, 2.0f};
  CHECK(engine->run({1, {{reals, true}}}, {results}).code() == sbnn::Code::kInput);
  CHECK(engine->run_nodes(1, {{0, reals, true}}, {{1, sbnn::kNone, results}}).code() ==
        sbnn::Code::kInput);
}

void test_options() {
  const std::vector<uint8_t> bytes = affine();
  EnginePointer engine;
  const auto code = [&](const sbnn::EngineOptions& options) {
    return sbnn::Engine::load(bytes.data(), bytes.size(), options, &engine).code();
  };
  CHECK(code({1, "mmx"}) == sbnn::Code::kIsa);
  CHECK(code({-1, ""}) == sbnn::Code::kInput);
  for (const std::string& isa : sbnn::usable_isas()) {
    CHECK(code({2, isa}) == sbnn::Code::kOk);
    CHECK(engine->isa() == isa && engine->threads() == 2);
  }
  sbnn::EngineOptions options;
  options.threads = 1;
  CHECK(code(options) == sbnn::Code::kOk);
  options.max_operations = 1;
  CHECK(code(options) == sbnn::Code::kModelFile);
  options.max_operations = 0;
  CHECK(code(options) == sbnn::Code::kInput);
  options = {};
  options.max_bytes = 1000;
  CHECK(code(options) == sbnn::Code::kModelFile);
  options.max_bytes = sbnn::kMostLimit + 1;
  CHECK(code(options) == sbnn::Code::kInput);
  CHECK(sbnn::Engine::open("/nonexistent/model.sbnn", {1, ""}, &engine).code() ==
        sbnn::Code::kModelFile);
  CHECK(sbnn::Engine::open("/", {1, ""}, &engine).code() == sbnn::Code::kModelFile);
}

}  // namespace

int main() {
  test_runs();
  test_int16_stem();
  test_options();
  return test::finish();
}
