#include "threads/thread_costs.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "cpu/memory.h"
#include "cpu/system/cpu_set.h"

namespace sbnn {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxThreads = 1024;
constexpr int kMeetings = 200, kRuns = 12;
constexpr size_t kLeastSamples = 8;
constexpr auto kLongest = std::chrono::milliseconds(5);  // of the meetings, on a busy machine
constexpr size_t kMovedBytes = 32 * 1024;
constexpr double kRunNanoseconds = 20'000;

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

// Threads that all do something at the same time.
class Team {
 public:
  Team(const KernelTable& kernels, ThreadPool* pool, int threads)
      : kernels_(kernels), pool_(pool), members_(static_cast<size_t>(threads)) {
    for (Member& member : members_) member.bytes = AlignedArray<uint8_t>(kMovedBytes);
  }

  // Each is 0 where it could not be measured.

  double barrier() {
    std::vector<double> samples;
    const Clock::time_point begin = Clock::now();
    for (int meeting = 0; meeting < kMeetings && Clock::now() - begin < kLongest; ++meeting) {
      const Clock::time_point start = Clock::now();
      together([](Team&, Member&, Member&) {});
      const double took = since(start);
      if (were_apart()) samples.push_back(took);
    }
    if (samples.size() < kLeastSamples) return 0;
    // Interruptions only make it longer.
    const auto quarter = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 4);
    std::nth_element(samples.begin(), quarter, samples.end());
    return *quarter;
  }

  double speed() {
    rounds_ = 16;
    while (count_bits(&members_[0]) < kRunNanoseconds && rounds_ < 1 << 20) rounds_ *= 2;
    double alone = count_bits(&members_[0]);
    for (int run = 1; run < kRuns; ++run) alone = std::min(alone, count_bits(&members_[0]));
    const double beside = least_time(
        [](Team& team, Member& member, Member&) { member.took = team.count_bits(&member); });
    return beside > 0 ? std::min(alone / beside, 1.0) : 0;
  }

  double move() {
    const Work write = [](Team&, Member& member, Member&) {
      std::memset(member.bytes.data(), 1, kMovedBytes);
    };
    const double others = least_time(
        [](Team&, Member& member, Member& next) { member.took = read_time(&member, next); }, write);
    const double own = least_time(
        [](Team&, Member& member, Member&) { member.took = read_time(&member, member); }, write);
    return std::max(others - own, 0.0) / kMovedBytes;
  }

 private:
  struct alignas(64) Member {
    AlignedArray<uint8_t> bytes;
    AlignedArray<int32_t> counts{64};
    uint64_t sum = 0;
    double took = 0;
    int cpu = 0;
  };
  using Work = void (*)(Team& team, Member& member, Member& next);

  // A task waits until all have begun, so no worker takes two.
  static void meet(void* context, int index, int) {
    Team& team = *static_cast<Team*>(context);
    const auto count = static_cast<int>(team.members_.size());
    team.arrived_.fetch_add(1);
    for (int looks = 0; team.arrived_.load() < count; ++looks) {
      if (looks > 1000) std::this_thread::yield();
    }
    Member& member = team.members_[static_cast<size_t>(index)];
    member.cpu = current_cpu();
    team.work_(team, member, team.members_[static_cast<size_t>((index + 1) % count)]);
  }

  void together(Work work) {
    work_ = work;
    arrived_.store(0);
    const auto count = static_cast<int>(members_.size());
    pool_->parallel_for(count, meet, this, count);
  }

  // Whether each member had a CPU of its own when they met.
  bool were_apart() {
    cpus_.clear();
    for (const Member& member : members_) cpus_.push_back(member.cpu);
    std::sort(cpus_.begin(), cpus_.end());
    return std::adjacent_find(cpus_.begin(), cpus_.end()) == cpus_.end();
  }

  // Of the slowest member, in the best of some runs.
  double least_time(Work work, Work before = nullptr) {
    double least = 0;
    for (int run = 0; run < kRuns; ++run) {
      if (before != nullptr) together(before);
      together(work);
      if (!were_apart()) continue;
      double slowest = 0;
      for (const Member& member : members_) slowest = std::max(slowest, member.took);
      least = least == 0 ? slowest : std::min(least, slowest);
    }
    return least;
  }

  double count_bits(Member* member) const {
    const Clock::time_point start = Clock::now();
    kernels_.binary_limit(rounds_, member->counts.data());
    return since(start);
  }

  static double read_time(Member* reader, const Member& written) {
    const Clock::time_point start = Clock::now();
    for (size_t i = 0; i < kMovedBytes; i += sizeof(uint64_t)) {
      uint64_t word;
      std::memcpy(&word, written.bytes.data() + i, sizeof word);
      reader->sum += word;
    }
    return since(start);
  }

  const KernelTable& kernels_;
  ThreadPool* pool_;
  std::vector<Member> members_;
  Work work_ = nullptr;
  std::atomic<int> arrived_{0};
  std::vector<int> cpus_;
  int64_t rounds_ = 0;
};

}  // namespace

bool measure_threads(const KernelTable& kernels, ThreadPool* pool, int threads,
                     ThreadCosts* costs) {
  // By threads; a barrier is 0 until all three are known. No lock, so that a fork cannot inherit
  // one: of two pools that measure at once, either's numbers will do.
  static std::atomic<double> barriers[kMaxThreads + 1], speeds[kMaxThreads + 1],
      moves[kMaxThreads + 1];
  const auto i = static_cast<size_t>(threads);
  if (barriers[i].load() == 0) {
    Team team(kernels, pool, threads);
    const double barrier = team.barrier();
    const double speed = barrier > 0 ? team.speed() : 0;
    if (speed == 0) return false;
    speeds[i].store(speed);
    moves[i].store(team.move());
    barriers[i].store(barrier);
  }
  *costs = {threads, barriers[i].load(), speeds[i].load(), moves[i].load()};
  return true;
}

}  // namespace sbnn
