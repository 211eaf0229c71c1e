// How the calling thread computes with floats.
#pragma once

#include <cstdint>

namespace sbnn {

// Rounding to nearest and no flushing of subnormals for the calling thread while this lives: a host
// may have set others, and answers must not depend on that.
class FloatEnvironment {
 public:
  FloatEnvironment();
  ~FloatEnvironment();
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  uint64_t saved_;
};

}  // namespace sbnn
