// Whole images on the workers of a call: one shared node by node, or several at once.
#pragma once

#include "engine/engine_state.h"
#include "run/node_runner.h"

namespace sbnn {

// What Engine::run was given.
struct BatchRun {
  const Batch& batch;
  const std::vector<void*>& outputs;
};

// Makes a frame that is that of one sample of a batch: reals that the caller gives go to its
// arena, and pixels that are looked up.
void start_sample(const Plan& plan, const Batch& batch, int64_t sample, Frame* frame);

// Looks the pixels of one sample of an image input up, if that has a table.
void look_up(const Plan& plan, int input, const InputArray& pixels, int64_t sample, Frame* frame);

// One image, on the caller's thread, and how long its stages take.
void time_image(Call* call, const BatchRun& run, int64_t image);

// One image, each stage on the threads that pay.
void run_image(Call* call, const BatchRun& run, int64_t image);

// Some images, each on one of `workers` threads.
void run_whole_images(Call* call, const BatchRun& run, const Range& which, int workers);

}  // namespace sbnn
