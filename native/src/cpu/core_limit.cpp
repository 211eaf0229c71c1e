#include "cpu/core_limit.h"

#include <algorithm>
#include <atomic>
#include <chrono>

#include "cpu/dispatch.h"
#include "cpu/memory.h"

namespace sbnn {
namespace {

constexpr size_t kMaxTables = 8;
constexpr size_t kMaxLanes = 64;

// The best of several runs, each long enough for the clock: whatever else the machine does, and a
// core that has yet to reach its frequency, only slow a run down.
template <typename T>
double best_speed(int64_t (*loop)(int64_t, T*)) {
  constexpr int kRuns = 12;
  constexpr double kNanoseconds = 100'000;
  constexpr int64_t kMaxRounds = 1 << 18;
  AlignedArray<T> results(kMaxLanes);
  int64_t rounds = 16;
  double best = 0;
  for (int run = 0; run < kRuns;) {
    results[0] = results[1] = T{1};
    const auto start = std::chrono::steady_clock::now();
    const auto macs = static_cast<double>(loop(rounds, results.data()));
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::max(best, macs / std::max(took.count(), 1.0));
    if (took.count() < kNanoseconds && rounds < kMaxRounds) {
      rounds *= 2;
      best = 0;  // the clock's own steps count for too much in a short run
    } else {
      ++run;
    }
  }
  return best;
}

}  // namespace

double core_limit(const KernelTable& kernels, const std::string& kernel_name) {
  const bool binary = kernel_name.rfind("conv_b1_", 0) == 0;
  if (!binary && kernel_name.rfind("conv_f32_", 0) != 0) return 0;
  // By table, binary before real; 0 until measured. No lock, so that a fork cannot inherit one: of
  // two threads that measure at once, the first to finish says what both report.
  static std::atomic<double> speeds[kMaxTables][2];
  const std::vector<const KernelTable*> tables = usable_kernels();
  const auto found = std::find(tables.begin(), tables.end(), &kernels);
  std::atomic<double>& speed = speeds[found - tables.begin()][binary ? 0 : 1];
  double known = speed.load();
  if (known == 0) {
    const double measured =
        binary ? best_speed(kernels.binary_limit) : best_speed(kernels.real_limit);
    if (speed.compare_exchange_strong(known, measured)) known = measured;
  }
  return known;
}

}  // namespace sbnn
