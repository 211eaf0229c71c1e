// What the handles of the C API are.
#pragma once

#include <memory>
#include <vector>

#include "api/failure.h"
#include "signbit/engine.h"

struct signbit_model {
  std::unique_ptr<sbnn::Engine> engine;
};

struct signbit_context {
  explicit signbit_context(sbnn::Engine* of) : engine(of) {}

  // What `work` returns, a Status, as the context's one call.
  template <typename Work>
  sbnn::Status in_turn(Work work) {
    if (!state.begin()) {
      return sbnn::api::wrong("context: another call is under way; use one per thread");
    }
    const std::unique_ptr<sbnn::CallState, void (*)(sbnn::CallState*)> turn(
        &state, [](sbnn::CallState* ended) { ended->end(); });
    return work();
  }

  sbnn::Engine* engine;
  sbnn::CallState state;
  // Of the call, kept so that the next one allocates nothing.
  sbnn::Batch batch;
  std::vector<void*> results;
};
