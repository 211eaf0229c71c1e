// A small model is read; every way of breaking its bytes is refused without a crash, by name.

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "check.h"
#include "format/graph.h"
#include "format/other_size.h"
#include "model_writer.h"

using sbnn::Code;
using sbnn::Key;

namespace {

sbnn::Status read(const std::vector<uint8_t>& bytes, sbnn::Graph* graph, sbnn::Pair size = {}) {
  // Exactly as large as the file, so that a sanitizer sees a read past its end.
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size() + 1]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  return sbnn::read_model(copy.get(), bytes.size(), size, graph);
}

Code code_of(const std::vector<uint8_t>& bytes, sbnn::Pair size = {}) {
  sbnn::Graph graph;
  return read(bytes, &graph, size).code();
}

std::string message_of(const std::vector<uint8_t>& bytes, sbnn::Pair size = {}) {
  sbnn::Graph graph;
  return read(bytes, &graph, size).message();
}

bool begins_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// An affine of two pixels' values.
test::ModelWriter pixels() {
  test::ModelWriter model(1);
  const int image = model.input("image", 1, 1, 2);
  const int scale = model.floats({2}, -1, 1), shift = model.floats({2}, -1, 1);
  model.output(model.node("identity", {image},
                          R"(,"steps":[{"op":"affine","scale":)" + std::to_string(scale) +
                              R"(,"shift":)" + std::to_string(shift) + "}]"));
  return model;
}

// A binary convolution, with as many kinds of keys, between two identities.
test::ModelWriter convolution() {
  test::ModelWriter model(2);
  const int image = model.input("image", 5, 4, 6);
  const int first =
      model.node("identity", {image}, R"(,"outputs":[{"kind":"signs"},{"kind":"real"}])", 2);
  const int weight = model.signs(10, 9 * 3), shift = model.floats({3, 2, 10}, -1, 1);
  const int scale = model.floats({10}, -1, 1), integers = model.ints({10}, -3, 4);
  const int flip = model.flips(10);
  const auto number = [](int constant) { return std::to_string(constant); };
  const int second = model.node(
      "binary_conv", {first, first + 1},
      R"(,"kernel":[3,3],"padding":[1,0,1,1],"groups":2,"pad_sign":"negative","weight":)" +
          number(weight) + R"(,"steps":[{"op":"affine","scale":)" + number(scale) + R"(,"shift":)" +
          number(shift) + R"(,"row_taps":[[0,3],[1,3],[0,2]],"column_taps":[[0,3],[0,2]]},)" +
          R"({"op":"add","input":1,"repeat":"tile"},{"op":"relu"}],"outputs":[{"kind":"signs",)" +
          R"("after":0,"threshold":)" + number(integers) + R"(,"flip":)" + number(flip) +
          R"(},{"kind":"real","after":2}])",
      2);
  model.output(model.node("concat", {second + 1, second + 1, first + 1},
                          R"(,"steps":[{"op":"subtract","input":2}])"));
  model.output(second);
  return model;
}

void test_what_is_read() {
  sbnn::Graph graph;
  const sbnn::Status status = read(convolution().file(R"(,"source":{"a":"b"})"), &graph);
  CHECK(status.ok());
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  CHECK(!graph.any_size && graph.inputs.size() == 1 && graph.inputs[0].name == "input0");
  CHECK(graph.source.size() == 1 && graph.source[0].second == "b");
  CHECK(graph.nodes.size() == 3 && graph.tensors.size() == 6);
  const sbnn::Node& node = graph.nodes[1];
  CHECK(node.op == sbnn::Op::kBinaryConv && node.arity == 1 && node.first_output == 3);
  CHECK(node.inputs == std::vector<int>({1, 2}));
  CHECK(node.keys.pair(Key::kKernel).y == 3 && node.keys.pair(Key::kStride).x == 1);
  const sbnn::Sides padding = node.keys.sides(Key::kPadding);
  CHECK(padding.top == 1 && padding.left == 0 && padding.bottom == 1 && padding.right == 1);
  CHECK(node.keys.integer(Key::kGroups) == 2);
  CHECK(node.keys.integer(Key::kPadSign) == static_cast<int>(sbnn::PadSign::kNegative));
  CHECK(node.keys.constant(Key::kWeight) == 0 && node.keys.constant(Key::kPadValue) == sbnn::kNone);
  CHECK(node.steps.size() == 3 && node.steps[2].op == sbnn::StepOp::kRelu);
  CHECK(node.steps[0].keys.at(Key::kRowTaps).taps[1] == (sbnn::TapRange{1, 3}));
  CHECK(node.steps[0].keys.at(Key::kColumnTaps).taps.size() == 2);
  CHECK(node.steps[1].keys.integer(Key::kRepeat) == static_cast<int>(sbnn::Repeat::kTile));
  CHECK(node.steps[1].keys.pair(Key::kEvery).y == 1);
  CHECK(node.steps[1].keys.constant(Key::kWeighted) == sbnn::kNone);
  CHECK(node.outputs.size() == 2 && node.outputs[0].kind == sbnn::Kind::kBits);
  CHECK(node.outputs[0].after == 0 && node.outputs[0].threshold == 3 && node.outputs[0].flip == 4);
  CHECK(node.outputs[1].after == 2 && node.outputs[1].threshold == sbnn::kNone);
  const sbnn::TensorSpec& signs = graph.tensors[3];
  CHECK(signs.kind == sbnn::Kind::kBits && signs.height == 5 && signs.width == 3);
  CHECK(signs.channels == 10);
  CHECK(graph.nodes[2].arity == 2 && graph.nodes[2].first_output == 5);
  CHECK(graph.nodes[2].outputs[0].after == 1 && graph.tensors[5].channels == 20);
  CHECK(graph.outputs[0].tensor == 5 && graph.outputs[1].tensor == 3);
}

void test_truncation() {
  const std::vector<uint8_t> whole = pixels().file();
  CHECK(code_of(whole) == Code::kOk);
  for (size_t size = 0; size < whole.size(); ++size) {
    const std::vector<uint8_t> part(whole.begin(), whole.begin() + static_cast<long>(size));
    CHECK(code_of(part) == Code::kModelFile);
  }
  std::vector<uint8_t> longer = whole;
  longer.push_back(0);
  CHECK(code_of(longer) == Code::kModelFile);
}

void test_header_length() {
  for (const uint64_t length : {uint64_t{1} << 60, UINT64_MAX, uint64_t{100'000'001}}) {
    std::vector<uint8_t> bytes = pixels().file();
    for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(length >> (8 * i));
    CHECK(code_of(bytes) == Code::kModelFile);
  }
}

void test_every_byte() {
  for (const std::vector<uint8_t>& whole : {pixels().file(), convolution().file()}) {
    for (size_t at = 0; at < whole.size(); ++at) {
      for (const int value : {0x00, 0x22, 0x39, 0x7b, 0x2c, 0xff}) {
        std::vector<uint8_t> changed = whole;
        changed[at] = static_cast<uint8_t>(value);
        const Code code = code_of(changed);
        CHECK(code == Code::kOk || code == Code::kModelFile || code == Code::kModelVersion);
      }
    }
  }
}

void test_fields() {
  const test::ModelWriter model = convolution();
  // Refused, with a message that begins with the field.
  const auto refused = [&](const std::string& from, const std::string& to,
                           const std::string& field) {
    const std::vector<uint8_t> bytes = model.file_with(replaced(model.graph(), from, to));
    CHECK(code_of(bytes) == Code::kModelFile);
    const std::string message = message_of(bytes);
    CHECK(begins_with(message, field + ": "));
    if (!begins_with(message, field + ": ")) std::fprintf(stderr, "%s\n", message.c_str());
  };
  refused("\"format\":1", "\"format\":0", "format");
  refused("\"format\":1", "\"format\":\"1\"", "format");
  refused("\"format\":1,", "", "format");
  refused("\"format\":1", "\"format\":1,\"any_size\":false", "any_size");
  refused("\"image\"", "\"bits\"", "inputs[0].kind");
  refused("[5,4,6]", "[5,16385,6]", "inputs[0].shape[1]");
  refused("[5,4,6]", "[5,4,7]", "nodes[1].groups");
  refused("\"identity\"", "\"pointwise\"", "nodes[0].op");
  refused("\"kernel\":[3,3]", "\"kernel\":[3,0]", "nodes[1].kernel[1]");
  refused("\"kernel\":[3,3]", "\"kernel\":[3]", "nodes[1].kernel");
  refused("\"kernel\":[3,3]", "\"colonel\":[3,3]", "nodes[1]");
  refused("\"groups\":2", "\"groups\":3", "nodes[1].weight");
  refused("\"groups\":2", "\"groups\":99999999999999999999", "nodes[1].groups");
  refused("\"negative\"", "\"zero\"", "nodes[1].pad_sign");
  refused("\"weight\":0", "\"weight\":9", "nodes[1].weight");
  refused("\"inputs\":[1,2]", "\"inputs\":[1,3]", "nodes[1].inputs[1]");
  refused("\"inputs\":[1,2]", "\"inputs\":[1,-1]", "nodes[1].inputs[1]");
  refused("\"inputs\":[1,2]", "\"inputs\":[1,2,2]", "nodes[1].inputs[2]");
  refused("[[0,3],[0,2]]", "[[0,3],[0,1]]", "nodes[1].steps[0].column_taps");
  refused("[[0,3],[0,2]]", "[[0,3],[0,3]]", "nodes[1].steps[0].column_taps[1]");
  refused("[[0,3],[0,2]]", "[[0,3],[2,2]]", "nodes[1].steps[0].column_taps[1]");
  refused("\"tile\"", "\"each\"", "nodes[1].steps[1].repeat");
  refused("\"after\":0", "\"after\":1", "nodes[1].outputs[0].after");
  refused("\"after\":2", "\"after\":4", "nodes[1].outputs[1].after");
  refused("\"threshold\":3", "\"threshold\":4", "nodes[1].outputs[0].threshold");
  refused("\"tensor\":5", "\"tensor\":6", "outputs[0].tensor");
  refused("\"tensor\":5", "\"tensor\":0", "outputs[0].tensor");
  refused("\"tensor\":5", "\"tensor\":5,\"classes\":[\"a\"]", "outputs[0].classes");
}

void test_versions() {
  const test::ModelWriter model = pixels();
  for (const char* version : {"2", "99999999999999999999", "2,\"new\":[]"}) {
    const std::string graph =
        replaced(model.graph(), "\"format\":1", "\"format\":" + std::string(version));
    CHECK(code_of(model.file_with(graph)) == Code::kModelVersion);
  }
}

void test_entries_of_the_container() {
  const std::vector<uint8_t> bytes = pixels().file();
  const size_t length = bytes[0] + size_t{256} * bytes[1];
  const std::string header(bytes.begin() + 8, bytes.begin() + 8 + static_cast<long>(length));
  const std::vector<uint8_t> data(bytes.begin() + 8 + static_cast<long>(length), bytes.end());
  const auto field = [&](const std::string& from, const std::string& to) {
    sbnn::Graph graph;
    const sbnn::Status status = read(test::file_of(replaced(header, from, to), data), &graph);
    CHECK(status.code() == Code::kModelFile);
    return status.message().substr(0, status.message().find(": "));
  };
  for (const char* shape : {"[3]", "[2,2]", "[-2]", "[4611686018427387904,4]", "[2.0]", "2", "[0]",
                            "[4611686018427387904,4,0]", "[2,1,1,1,1]"}) {
    CHECK(field("\"shape\":[2]", "\"shape\":" + std::string(shape)) == "0.shape");
  }
  for (const char* range : {"[0,16]", "[4,12]", "[8,0]", "[0,9223372036854775807]", "[0]"}) {
    const std::string name = field("[0,8]", range);
    CHECK(name == "0.data_offsets" || name == "0.shape");
  }
  CHECK(field("F32", "F64") == "0.dtype");
}

void test_input_size() {
  test::ModelWriter model(3);
  const int image = model.input("image", 8, 8, 3);
  model.output(model.node("avg_pool", {model.node("identity", {image})},
                          R"(,"kernel":[3,3],"stride":[2,2])"));
  CHECK(code_of(model.file(), {9, 9}) == Code::kInput);
  const std::vector<uint8_t> bytes = model.file(R"(,"any_size":true)");
  sbnn::Graph graph;
  CHECK(read(bytes, &graph).ok() && graph.any_size && graph.tensors[2].height == 3);
  CHECK(read(bytes, &graph, {9, 15}).ok());
  CHECK(graph.inputs[0].tensor.height == 9 && graph.tensors[1].width == 15);
  CHECK(graph.tensors[2].height == 4 && graph.tensors[2].width == 7);
  CHECK(begins_with(message_of(bytes, {2, 9}), "nodes[1].kernel: "));
  for (const sbnn::Pair size : {sbnn::Pair{0, 9}, {9, 0}, {-1, 9}, {9, 16385}, {9, INT64_MAX}}) {
    CHECK(begins_with(message_of(bytes, size), "inputs[0]: "));
  }
  const auto at_size = [](const std::vector<uint8_t>& file, sbnn::Pair size) {
    sbnn::Graph read;
    return sbnn::read_at_size(file.data(), file.size(), size, &read);
  };
  CHECK(at_size(bytes, {9, 15}).ok() && at_size(bytes, {0, 0}).ok());
  const sbnn::Status small = at_size(bytes, {2, 9});
  CHECK(small.code() == Code::kInput);
  CHECK(begins_with(small.message(), "input_size: 2×9 does not fit: nodes[1].kernel: "));
  CHECK(small.message().find("; images of 3×3 fit") != std::string::npos);
  CHECK(at_size(model.file(), {9, 9}).code() == Code::kInput);
  std::vector<uint8_t> damaged = bytes;
  damaged.pop_back();
  CHECK(at_size(damaged, {0, 0}).code() == Code::kModelFile);
  CHECK(at_size(damaged, {2, 9}).code() == Code::kModelFile);
}

// A 1×1 convolution of two pixels' values with int16 weights, one filter.
void test_int16_weights() {
  const auto message = [](int low, int high) {
    test::ModelWriter model(4);
    const int image = model.input("image", 1, 1, 2);
    const int weight = model.shorts({1, 1, 1, 2}, low, high + 1);
    model.output(model.node("real_conv", {image}, ",\"weight\":" + std::to_string(weight)));
    return message_of(model.file());
  };
  CHECK(begins_with(message(8192, 8192), "nodes[0].weight: "));
  CHECK(begins_with(message(-8192, -8192), "nodes[0].weight: "));
  CHECK(message(8191, 8191).empty() && message(-8191, -8191).empty());
}

// The largest sizes that the text may give neither overflow nor take long.
void test_extreme_sizes() {
  const auto message = [](const std::string& op, const std::string& keys) {
    test::ModelWriter model(5);
    const int image = model.input("image", 16384, 16384, 4);
    model.output(model.node(op, {model.node("identity", {image})}, keys));
    return message_of(model.file());
  };
  const std::string most = R"("kernel":[16384,16384],"stride":[16384,16384])";
  CHECK(begins_with(message("max_pool", "," + most + R"(,"dilation":[16384,16384])"),
                    "nodes[1].kernel: "));
  CHECK(message("avg_pool", "," + most + R"(,"padding":[16383,16383,16383,16383])").empty());
  CHECK(begins_with(message("upsample", R"(,"factor":[16384,16384])"), "nodes[1]: height: "));
  CHECK(begins_with(message("space_to_depth", R"(,"block":16384)"), "nodes[1]: channels: "));
  CHECK(begins_with(message("depth_to_space", R"(,"block":16384)"), "nodes[1].block: "));
  CHECK(begins_with(message("flatten", ""), "nodes[1]: channels: "));
}

}  // namespace

int main() {
  test_what_is_read();
  test_truncation();
  test_header_length();
  test_every_byte();
  test_fields();
  test_versions();
  test_entries_of_the_container();
  test_input_size();
  test_int16_weights();
  test_extreme_sizes();
  return test::finish();
}
