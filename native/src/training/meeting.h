// Where processes of one machine wait for each other, in memory that they share.
#pragma once

#include <atomic>
#include <cstdint>

namespace sbnn {

// What one process writes there, zeros to begin with; two cache lines, as processors fetch pairs.
struct alignas(128) MeetingPlace {
  std::atomic<uint64_t> round;  // the last that the process has come to
  uint64_t bytes[2];            // how much it shows in its last even and odd rounds
};
static_assert(std::atomic<uint64_t>::is_always_lock_free && sizeof(MeetingPlace) == 128);

enum class Meeting { kWaiting, kMet, kDiffers };

// Process `rank` of `ranks` comes to `round`, one more than the last time, and shows `bytes` of
// what it wrote before. kMet: everybody came, and everything that was shown can be read. kWaiting:
// some are not there after `seconds`; to be called again with the same values. kDiffers: others
// show more or less than this process.
//
// Who comes to a round has read what the others showed in the one before. So who has met everybody
// in a round may write over what it showed in the round before that.
Meeting meet(MeetingPlace* places, int ranks, int rank, uint64_t round, uint64_t bytes,
             double seconds);

}  // namespace sbnn
