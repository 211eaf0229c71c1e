// Words of gathered windows against a window read bit by bit: odd and even runs, any step.

#include <algorithm>
#include <vector>

#include "check.h"
#include "draws.h"
#include "plan/layouts/gather.h"
#include "plan/plan.h"

using test::integer;

namespace {

void test_any_windows() {
  const int run_bytes = integer(1, 23), count = integer(1, static_cast<int>(sbnn::kTileWindows));
  const int step = integer(1, 4) * (run_bytes % 2 == 0 ? 2 : 1);
  std::vector<int64_t> runs;
  for (int i = integer(1, 9); i > 0; --i) runs.push_back(integer(0, 100));
  std::vector<uint8_t> memory(static_cast<size_t>(100 + run_bytes + count * step));
  for (uint8_t& byte : memory) byte = static_cast<uint8_t>(integer(0, 255));
  const sbnn::GatherPlan plan = sbnn::plan_gather(runs, run_bytes);
  const auto window_bytes = static_cast<int64_t>(runs.size()) * run_bytes;
  CHECK(plan.words() == (window_bytes + 3) / 4);

  constexpr uint32_t kUntouched = 0xdeadbeef;
  std::vector<uint32_t> words(static_cast<size_t>(plan.words() * sbnn::kTileWindows), kUntouched);
  sbnn::gather_words(plan, {memory.data(), step, count}, words.data());
  for (int64_t j = 0; j < plan.words(); ++j) {
    for (int64_t i = 0; i < sbnn::kTileWindows; ++i) {
      uint32_t wanted = i < count ? 0 : kUntouched;
      for (int64_t byte = 4 * j; i < count && byte < std::min(4 * j + 4, window_bytes); ++byte) {
        const int64_t from = runs[static_cast<size_t>(byte / run_bytes)] + byte % run_bytes;
        wanted |= uint32_t{memory[static_cast<size_t>(i * step + from)]} << (byte % 4 * 8);
      }
      CHECK(words[static_cast<size_t>(j * sbnn::kTileWindows + i)] == wanted);
    }
  }
}

}  // namespace

int main() {
  for (int i = 0; i < 300; ++i) test_any_windows();
  return test::finish();
}
