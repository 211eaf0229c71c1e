// What signbit's own tests ask for beyond signbit.h, through the Python module and run_file: how a
// model gives the same bits in other ways, and its reader and its estimates alone. A program has no
// use for it, so the shared library does not show it.
#pragma once

#include "signbit.h"
#include "signbit/engine.h"

namespace sbnn::api {

// See EngineOptions.
struct Ways {
  bool share_all = false;
  bool fuse = true;
};

// signbit_load_memory(), in such a way.
signbit_status load(const void* data, size_t bytes, const signbit_options* options, Ways ways,
                    signbit_model** model) noexcept;

// The reader's verdict on a file, at a size of its images; {} is the file's own.
signbit_status check_file(const void* data, size_t bytes, Pair input_size) noexcept;

// What the model was estimated to take before it was loaded, and what it takes.
EngineSize size_of(const signbit_model& model);

}  // namespace sbnn::api
