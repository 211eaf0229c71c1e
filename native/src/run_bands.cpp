// A pool and the node before it in turns, a band of rows at a time.

#include "run_bands.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace sbnn {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void run_bands(const Plan& plan, const Step& step, const Frame& whole, const Range& rows,
               Scratch* scratch) {
  const NodePlan& producer = plan.nodes[static_cast<size_t>(step.producer)];
  const NodePlan& pool = plan.nodes[static_cast<size_t>(step.node)];
  const Node& window = *pool.node;
  const TensorLayout& between = plan.tensors[static_cast<size_t>(window.input)];
  Frame frame = whole;
  frame.banded = window.input;
  frame.band = scratch->band.data();
  NodeRunner make(plan, producer, frame, scratch);  // has no signs: they are the pool's in scratch
  NodeRunner finish(plan, pool, frame, scratch);
  const Range chunks{0, static_cast<int64_t>(producer.chunks.size())};
  const Range whole_pool{0, static_cast<int64_t>(pool.chunks.size())};
  make.start();  // the pool keeps nothing in scratch memory from band to band
  double seconds[2] = {0, 0};
  Range held{0, 0};  // the producer's rows that the band has
  for (int64_t y = rows.begin; y < rows.end; y += step.band_rows) {
    const int64_t end = std::min(y + step.band_rows, rows.end);
    const int64_t top = y * window.stride.y - window.padding.y;
    const int64_t bottom = (end - 1) * window.stride.y - window.padding.y + window.kernel.y;
    const Range needed{std::max<int64_t>(top, 0), std::min(bottom, between.height)};
    const int64_t done = std::clamp(held.end, needed.begin, needed.end);
    if (done > needed.begin) {
      std::memmove(frame.band, frame.band + (needed.begin - held.begin) * between.row_bytes,
                   static_cast<size_t>((done - needed.begin) * between.row_bytes));
    }
    frame.band_begin = needed.begin * between.row_bytes;
    held = needed;
    auto start = std::chrono::steady_clock::now();
    make.run({done * producer.width, needed.end * producer.width}, chunks);
    seconds[0] += seconds_since(start);
    start = std::chrono::steady_clock::now();
    finish.run({y * pool.width, end * pool.width}, whole_pool);
    seconds[1] += seconds_since(start);
  }
  scratch->producer_share = seconds[0] / std::max(seconds[0] + seconds[1], 1e-9);
}

}  // namespace sbnn
