// A small model is read and run; every way of breaking its bytes is refused without a crash.

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "signbit/engine.h"

namespace {

constexpr const char* kGraph =
    R"({"format":1,"input":{"tensor":"image","resize_shorter_side":1,"interpolation":"bilinear"},)"
    R"("output":"y","classes":["cat","dog"],"source":{},"tensors":[)"
    R"({"name":"image","kind":"image","height":1,"width":1,"channels":2},)"
    R"({"name":"y","kind":"real","height":1,"width":1,"channels":2}],"nodes":[)"
    R"({"name":"n","op":"pointwise","input":"image","scale":"s","shift":"t","real":"y"}]})";

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string header_of(const std::string& graph) {
  return R"({"__metadata__":{"signbit":")" + escaped(graph) +
         R"("},"s":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
         R"("t":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})";
}

template <typename T, size_t kCount>
std::vector<uint8_t> file_of(const std::string& header, const T (&values)[kCount]) {
  std::vector<uint8_t> bytes(8);
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(header.size() >> (8 * i));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.resize(bytes.size() + sizeof values);
  std::memcpy(bytes.data() + bytes.size() - sizeof values, values, sizeof values);
  return bytes;
}

std::vector<uint8_t> file_of(const std::string& header) {
  const float values[] = {2.0f, -1.0f, 0.5f, 3.0f};
  return file_of(header, values);
}

sbnn::Status load(const std::vector<uint8_t>& bytes, std::unique_ptr<sbnn::Engine>* engine) {
  // Exactly as large as the file, so that a sanitizer sees a read past its end.
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size() + 1]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return sbnn::Engine::load(copy.get(), bytes.size(), {1, ""}, engine);
}

sbnn::Code code_of(const std::vector<uint8_t>& bytes) {
  std::unique_ptr<sbnn::Engine> engine;
  return load(bytes, &engine).code();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

void test_runs() {
  std::unique_ptr<sbnn::Engine> engine;
  CHECK(load(file_of(header_of(kGraph)), &engine).ok());
  const uint8_t pixels[] = {10, 200, 0, 1};
  float results[4] = {};
  CHECK(engine->run({pixels, 2, false}, results).ok());
  CHECK(results[0] == 20.5f && results[1] == -197.0f && results[2] == 0.5f && results[3] == 2.0f);
  const float bad[] = {1.0f, __builtin_nanf("")};
  CHECK(engine->run({bad, 1, true}, results).code() == sbnn::Code::kInput);
  CHECK(engine->run({pixels, 0, false}, results).ok());
}

void test_truncation() {
  const std::vector<uint8_t> whole = file_of(header_of(kGraph));
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<uint8_t> part(whole.begin(), whole.begin() + static_cast<long>(size));
    CHECK(code_of(part) == sbnn::Code::kModelFile);
  }
  std::vector<uint8_t> longer = whole;
  longer.push_back(0);
  CHECK(code_of(longer) == sbnn::Code::kModelFile);
}

void test_header_length() {
  for (const uint64_t length : {uint64_t{1} << 60, UINT64_MAX, uint64_t{100'000'001}}) {
    std::vector<uint8_t> bytes = file_of(header_of(kGraph));
    for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(length >> (8 * i));
    CHECK(code_of(bytes) == sbnn::Code::kModelFile);
  }
}

void test_every_byte() {
  const std::vector<uint8_t> whole = file_of(header_of(kGraph));
  for (size_t at = 0; at + 16 < whole.size(); ++at) {
    for (const int value : {0x00, 0x22, 0x39, 0x7b, 0x2c, 0xff}) {
      std::vector<uint8_t> changed = whole;
      changed[at] = static_cast<uint8_t>(value);
      const sbnn::Code code = code_of(changed);
      CHECK(code == sbnn::Code::kOk || code == sbnn::Code::kModelFile ||
            code == sbnn::Code::kModelVersion);
    }
  }
}

void test_fields() {
  const auto refused = [](const std::string& from, const std::string& to, sbnn::Code code) {
    CHECK(code_of(file_of(header_of(replaced(kGraph, from, to)))) == code);
  };
  refused("\"format\":1", "\"format\":2", sbnn::Code::kOk);
  refused("\"format\":1", "\"format\":3", sbnn::Code::kOk);
  refused("\"format\":1", "\"format\":4", sbnn::Code::kModelVersion);
  refused("\"format\":1", "\"format\":4,\"new\":[]", sbnn::Code::kModelVersion);
  refused("\"format\":1", "\"format\":0", sbnn::Code::kModelFile);
  refused("pointwise", "softmax", sbnn::Code::kModelFile);
  refused("\"input\":\"image\"", "\"input\":\"y\"", sbnn::Code::kModelFile);
  refused("\"channels\":2}]", "\"channels\":3}]", sbnn::Code::kModelFile);
  refused("\"classes\":[\"cat\",\"dog\"]", "\"classes\":[\"cat\"]", sbnn::Code::kModelFile);
  refused("\"shift\":\"t\",", "", sbnn::Code::kModelFile);
  refused("\"height\":1", "\"height\":16385", sbnn::Code::kModelFile);
  refused("\"bilinear\"", "\"bilinear\",\"resize_rule\":\"torchvision\"", sbnn::Code::kOk);
  refused("\"bilinear\"", "\"bilinear\",\"resize_rule\":\"ceiling\"", sbnn::Code::kModelFile);
  refused("\"bilinear\"", "\"bilinear\",\"resize_rule\":1", sbnn::Code::kModelFile);
  const std::string header = header_of(kGraph);
  for (const char* shape : {"[3]", "[2,2]", "[-2]", "[4611686018427387904,4]", "[2.0]", "2"}) {
    CHECK(code_of(file_of(replaced(header, "[2]", shape))) == sbnn::Code::kModelFile);
  }
  for (const char* range : {"[0,16]", "[4,12]", "[8,0]", "[0,9223372036854775807]"}) {
    CHECK(code_of(file_of(replaced(header, "[0,8]", range))) == sbnn::Code::kModelFile);
  }
}

// A 1×1 convolution of two pixels' values with int16 weights, one filter.
constexpr const char* kStem =
    R"({"format":2,"input":{"tensor":"image","resize_shorter_side":1,"interpolation":"bilinear"},)"
    R"("output":"y","classes":[],"source":{},"tensors":[)"
    R"({"name":"image","kind":"image","height":1,"width":1,"channels":2},)"
    R"({"name":"y","kind":"real","height":1,"width":1,"channels":1}],"nodes":[)"
    R"({"name":"n","op":"real_conv","input":"image","kernel":[1,1],"stride":[1,1],)"
    R"("padding":[0,0],"dilation":[1,1],"groups":1,"weight":"w","real":"y"}]})";

sbnn::Status load_stem(const std::string& graph, int16_t w0, int16_t w1,
                       std::unique_ptr<sbnn::Engine>* engine) {
  const int16_t weights[] = {w0, w1};
  return load(file_of(R"({"__metadata__":{"signbit":")" + escaped(graph) +
                          R"("},"w":{"dtype":"I16","shape":[1,1,1,2],"data_offsets":[0,4]}})",
                      weights),
              engine);
}

void test_int16_stem() {
  std::unique_ptr<sbnn::Engine> engine;
  const auto names = [](const sbnn::Status& status, const std::string& field) {
    return status.code() == sbnn::Code::kModelFile &&
           status.message().find(field) != std::string::npos;
  };
  CHECK(names(load_stem(replaced(kStem, "\"format\":2", "\"format\":1"), 1, 2, &engine), "format"));
  CHECK(names(load_stem(kStem, 8192, 0, &engine), "weight"));
  CHECK(names(load_stem(kStem, 0, -8192, &engine), "weight"));
  CHECK(load_stem(kStem, 8191, -8191, &engine).ok());
  const uint8_t pixels[] = {255, 0, 3, 255};
  float results[2] = {};
  CHECK(engine->run({pixels, 2, false}, results).ok());
  CHECK(results[0] == 255.0f * 8191.0f && results[1] == -252.0f * 8191.0f);
  int32_t dots[2] = {};
  CHECK(engine->run_nodes(2, {{0, pixels, false}}, {{sbnn::kNone, 0, dots}}).ok());
  CHECK(dots[0] == 255 * 8191 && dots[1] == -252 * 8191);
  const float reals[] = {1.0f, 2.0f};
  CHECK(engine->run({reals, 1, true}, results).code() == sbnn::Code::kInput);
  CHECK(engine->run_nodes(1, {{0, reals, true}}, {{1, sbnn::kNone, results}}).code() ==
        sbnn::Code::kInput);
}

void test_options() {
  const std::vector<uint8_t> bytes = file_of(header_of(kGraph));
  std::unique_ptr<sbnn::Engine> engine;
  const auto code = [&](const sbnn::EngineOptions& options) {
    return sbnn::Engine::load(bytes.data(), bytes.size(), options, &engine).code();
  };
  CHECK(code({1, "mmx"}) == sbnn::Code::kIsa);
  CHECK(code({-1, ""}) == sbnn::Code::kInput);
  for (const std::string& isa : sbnn::usable_isas()) {
    CHECK(code({2, isa}) == sbnn::Code::kOk);
    CHECK(engine->isa() == isa && engine->threads() == 2);
  }
  CHECK(sbnn::Engine::open("/nonexistent/model.sbnn", {1, ""}, &engine).code() ==
        sbnn::Code::kModelFile);
  CHECK(sbnn::Engine::open("/", {1, ""}, &engine).code() == sbnn::Code::kModelFile);
}

}  // namespace

int main() {
  test_runs();
  test_truncation();
  test_header_length();
  test_every_byte();
  test_fields();
  test_int16_stem();
  test_options();
  return test::finish();
}
