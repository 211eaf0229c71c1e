// Written graphs, damaged or not, loaded with small bounds and run on one image, fused and step by
// step: the same bits come out.

#include <cmath>
#include <cstring>

#include "damage.h"
#include "graph_writer.h"
#include "require.h"
#include "signbit/engine.h"

namespace {

using EnginePointer = std::unique_ptr<sbnn::Engine>;

EnginePointer load(const std::vector<uint8_t>& file, bool fuse) {
  sbnn::EngineOptions options;
  options.threads = 1;
  options.fuse = fuse;
  options.max_bytes = 1 << 28;
  options.max_operations = 20'000'000;
  EnginePointer engine;
  (void)sbnn::Engine::load(file.data(), file.size(), options, &engine).ok();
  return engine;
}

// Every output, one after the other; float32 or int8.
std::vector<std::vector<uint8_t>> run(sbnn::Engine* engine,
                                      const std::vector<std::vector<uint8_t>>& inputs) {
  const sbnn::Graph& graph = engine->graph();
  sbnn::Batch batch;
  batch.count = 1;
  for (size_t i = 0; i < inputs.size(); ++i) {
    batch.inputs.push_back({inputs[i].data(), graph.tensors[i].kind != sbnn::Kind::kImage});
  }
  std::vector<std::vector<uint8_t>> results;
  for (const sbnn::GraphOutput& output : graph.outputs) {
    const sbnn::TensorSpec& tensor = graph.tensors[static_cast<size_t>(output.tensor)];
    const size_t each = tensor.kind == sbnn::Kind::kBits ? 1 : sizeof(float);
    results.emplace_back(static_cast<size_t>(sbnn::element_count(tensor)) * each);
  }
  std::vector<void*> places;
  for (std::vector<uint8_t>& result : results) places.push_back(result.data());
  fuzz::require(engine->run(batch, places).ok(), "a loaded graph does not run");
  return results;
}

std::vector<std::vector<uint8_t>> draw_inputs(fuzz::Draws* draws, const sbnn::Graph& graph) {
  std::vector<std::vector<uint8_t>> inputs;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const bool image = graph.tensors[i].kind == sbnn::Kind::kImage;
    std::vector<uint8_t> bytes;
    for (int64_t e = 0; e < sbnn::element_count(graph.tensors[i]); ++e) {
      const auto value = static_cast<uint8_t>(draws->between(0, 255));
      const float real = static_cast<float>(value) / 16.0f - 8.0f;
      const auto* const from = image ? &value : reinterpret_cast<const uint8_t*>(&real);
      bytes.insert(bytes.end(), from, from + (image ? 1 : sizeof real));
    }
    inputs.push_back(std::move(bytes));
  }
  return inputs;
}

// Which of two NaNs a sum takes its bits from is the instruction's choice.
bool same_reals(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
  for (size_t i = 0; i + sizeof(float) <= a.size(); i += sizeof(float)) {
    if (std::memcmp(a.data() + i, b.data() + i, sizeof(float)) == 0) continue;
    float x, y;
    std::memcpy(&x, a.data() + i, sizeof x);
    std::memcpy(&y, b.data() + i, sizeof y);
    if (!std::isnan(x) || !std::isnan(y)) return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Draws draws(data, size);
  fuzz::GraphText text = fuzz::GraphWriter(&draws).write();
  if (draws.chance(3)) fuzz::damage(&draws, &text);
  const std::vector<uint8_t> file = fuzz::file_of(text);
  const EnginePointer fused = load(file, true), by_steps = load(file, false);
  if (fused == nullptr || by_steps == nullptr) return 0;
  const auto inputs = draw_inputs(&draws, fused->graph());
  const auto first = run(fused.get(), inputs), second = run(by_steps.get(), inputs);
  for (size_t i = 0; i < first.size(); ++i) {
    const auto tensor = static_cast<size_t>(fused->graph().outputs[i].tensor);
    const bool reals = fused->graph().tensors[tensor].kind == sbnn::Kind::kReal;
    const bool same = reals ? same_reals(first[i], second[i]) : first[i] == second[i];
    fuzz::require(same, "fused and step by step give other bits");
  }
  return 0;
}
