// The memory one call works in, kept between calls so that running does not allocate.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "run/executor.h"

namespace sbnn {

// Scratch for every worker, and an arena for each image that is worked on at the same time.
class Context {
 public:
  explicit Context(const Plan& plan) : plan_(plan) {}

  // Makes workers 0 .. workers - 1 have scratch, arenas 0 .. arenas - 1 exist, and room for what
  // the head reads of so many images.
  void prepare(int workers, int arenas, int64_t head_images = 0) {
    while (scratch_.size() < static_cast<size_t>(workers)) {
      const bool is_first = scratch_.empty();
      Scratch& scratch = scratch_.emplace_back(plan_.scratch);
      scratch.interrupt = &interrupt_;
      scratch.is_callers = is_first;
    }
    while (arenas_.size() < static_cast<size_t>(arenas)) {
      arenas_.emplace_back(static_cast<size_t>(plan_.storage.bytes));
    }
    const auto inputs = static_cast<size_t>(head_images * head_channels());
    if (head_inputs_.size() < inputs) head_inputs_ = AlignedArray<float>(inputs);
  }

  float* head_input(int64_t image) { return head_inputs_.data() + image * head_channels(); }
  int64_t head_channels() const {
    return plan_.tensors[static_cast<size_t>(plan_.nodes.back().node->input)].channels;
  }

  Interrupt* interrupt() { return &interrupt_; }
  Scratch* scratch(int worker) { return &scratch_[static_cast<size_t>(worker)]; }

  Frame frame(int arena) {
    Frame frame;
    frame.arena = arenas_[static_cast<size_t>(arena)].data();
    frame.storage = &plan_.storage;
    return frame;
  }

 private:
  const Plan& plan_;
  Interrupt interrupt_;
  std::vector<Scratch> scratch_;
  std::vector<AlignedArray<uint8_t>> arenas_;
  AlignedArray<float> head_inputs_;
};

// Contexts that no call uses at the moment.
class ContextPool {
 public:
  explicit ContextPool(const Plan& plan) : plan_(plan) {}

  std::unique_ptr<Context> take() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Context> context = std::move(idle_.back());
        idle_.pop_back();
        return context;
      }
    }
    return std::make_unique<Context>(plan_);
  }

  void give_back(std::unique_ptr<Context> context) {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(context));
  }

 private:
  const Plan& plan_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Context>> idle_;
};

}  // namespace sbnn
