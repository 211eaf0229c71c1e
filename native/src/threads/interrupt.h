// Whether a call shall end before its work is done, as after Ctrl-C.
//
// The thread that calls asks its host now and then: after so much work, or
// while it waits for the others. All threads of the call see the answer and
// leave what is not begun; what was written is of no use then.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

#include "signbit/call_state.h"

namespace sbnn {

class Interrupt {
 public:
  using Wanted = std::function<bool()>;  // see EngineOptions

  // Of a new call. It runs to its end, but for `wanted`, which may be empty, and a `state` that
  // another thread or a signal handler stops, which may be null.
  void begin(const Wanted* wanted, const CallState* state) {
    wanted_ = wanted;
    state_ = state;
    is_set_.store(false, std::memory_order_relaxed);
    estimated_ = 0;
    asked_ = {};
  }

  bool is_set() const { return is_set_.load(std::memory_order_relaxed); }

  // The rest by the thread that calls.

  // After work that was estimated to take so long; reading a clock each time
  // would cost too much.
  void worked(double nanoseconds) {
    estimated_ += nanoseconds;
    if (estimated_ >= kEstimated) look();
  }

  void look() {
    estimated_ = 0;
    if (state_ != nullptr && state_->is_stopped()) is_set_.store(true, std::memory_order_relaxed);
    if (wanted_ == nullptr || !*wanted_) return;
    const auto now = std::chrono::steady_clock::now();
    if (asked_ == std::chrono::steady_clock::time_point()) asked_ = now;
    if (now - asked_ < kBetweenQuestions) return;
    if ((*wanted_)()) is_set_.store(true, std::memory_order_relaxed);
    asked_ = std::chrono::steady_clock::now();
  }

 private:
  // Estimates may be wrong by a factor of ten.
  static constexpr double kEstimated = 2e6;
  static constexpr std::chrono::milliseconds kBetweenQuestions{100};

  const Wanted* wanted_ = nullptr;
  const CallState* state_ = nullptr;
  std::atomic<bool> is_set_{false};
  double estimated_ = 0;  // ns since the last look
  std::chrono::steady_clock::time_point asked_;
};

}  // namespace sbnn
