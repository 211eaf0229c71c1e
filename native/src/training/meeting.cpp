#include "training/meeting.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace sbnn {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration_cast;
using std::chrono::microseconds;

// Others usually come within microseconds. Who waits for longer lets other threads have the core,
// and in the end sleeps, for longer and longer: to be woken costs some fifty microseconds.
constexpr microseconds kSpinning(50), kYielding(2000), kFirstPause(50), kLongestPause(1000);

bool all_are_there(const MeetingPlace* places, int ranks, uint64_t round) {
  for (int rank = 0; rank < ranks; ++rank) {
    if (places[rank].round.load(std::memory_order_acquire) < round) return false;
  }
  return true;
}

bool wait_for_all(const MeetingPlace* places, int ranks, uint64_t round, double seconds) {
  const Clock::time_point began = Clock::now();
  const auto limit = duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  microseconds pause = kFirstPause;
  while (!all_are_there(places, ranks, round)) {
    const Clock::duration waited = Clock::now() - began;
    if (waited >= limit) return false;
    if (waited < kSpinning) continue;
    if (waited < kYielding) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(pause);
      pause = std::min(2 * pause, kLongestPause);
    }
  }
  return true;
}

}  // namespace

Meeting meet(MeetingPlace* places, int ranks, int rank, uint64_t round, uint64_t bytes,
             double seconds) {
  MeetingPlace& own = places[rank];
  if (own.round.load(std::memory_order_relaxed) != round) {
    own.bytes[round % 2] = bytes;
    own.round.store(round, std::memory_order_release);
  }
  if (!wait_for_all(places, ranks, round, seconds)) return Meeting::kWaiting;
  for (int other = 0; other < ranks; ++other) {
    if (places[other].bytes[round % 2] != bytes) return Meeting::kDiffers;
  }
  return Meeting::kMet;
}

}  // namespace sbnn
