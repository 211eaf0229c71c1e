// Whether a call is under way, and whether it should end before it is done.
#pragma once

#include <atomic>

namespace sbnn {

// Of one call at a time. stop() may come from any thread or a signal handler; one that comes when
// no call is under way does nothing, also to the next call.
class CallState {
 public:
  // False where a call is under way already.
  bool begin() noexcept {
    int idle = kIdle;
    return state_.compare_exchange_strong(idle, kRunning);
  }
  void end() noexcept { state_ = kIdle; }

  void stop() noexcept {
    int running = kRunning;
    state_.compare_exchange_strong(running, kStopped);
  }
  bool is_stopped() const noexcept { return state_ == kStopped; }

 private:
  enum { kIdle, kRunning, kStopped };
  std::atomic<int> state_{kIdle};
};

}  // namespace sbnn
