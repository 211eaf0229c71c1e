// What the handles of the C API are.
#pragma once

#include <memory>

#include "signbit.h"
#include "signbit/engine.h"

struct signbit_model {
  std::unique_ptr<sbnn::Engine> engine;
};

struct signbit_context {
  explicit signbit_context(sbnn::Engine* of) : engine(of) {}

  sbnn::Engine* engine;
  sbnn::CallState state;
};
