// CPUs that threads may run on, as the system says and is told.
#pragma once

#include <array>
#include <cstdint>
#include <thread>

namespace sbnn {

// CPUs that a thread may run on.
class CpuSet {
 public:
  // The calling thread's. Where threads cannot be bound (macOS) it is all of the machine's; empty
  // where the system does not say.
  static CpuSet of_this_thread();

  int count() const;
  unsigned hash() const;
  // Lets another thread of this process run on these CPUs and no others, if the system allows it.
  void apply_to(std::thread* thread) const;
  bool operator==(const CpuSet& other) const { return words_ == other.words_; }
  bool operator!=(const CpuSet& other) const { return words_ != other.words_; }

 private:
  std::array<uint64_t, 128> words_{};  // on Windows a processor group has a word
};

// The CPU that the calling thread runs on; 0 where the system does not say.
int current_cpu();

}  // namespace sbnn
