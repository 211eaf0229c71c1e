// A pool and the node before it in turns, a band of rows at a time.

#include "run/run_bands.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "run/ops/pools.h"

namespace sbnn {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The rows of a pool's output, band by band. For each, make(rows, band) makes rows of the
// producer's output, and finish(rows, band) the pool's of them; the band would begin at `band` if
// it had all rows. Rows that the band before has made are moved to the front and not made again.
template <typename Make, typename Finish>
void for_each_band(const Plan& plan, const Stage& stage, const Range& rows, Scratch* scratch,
                   Make make, Finish finish) {
  const FusedNode& window = *plan.nodes[static_cast<size_t>(stage.node)].node;
  const NodePlan& producer = plan.nodes[static_cast<size_t>(stage.producer)];
  const int64_t height = producer.height;
  const double row_cost = producer.cost / static_cast<double>(height);
  const int64_t row_bytes = band_layout(plan, stage).row_bytes;
  uint8_t* const memory = scratch->band.data();
  double seconds[2] = {0, 0};
  Range held{0, 0};  // the producer's rows that the band has
  for (int64_t y = rows.begin; y < rows.end; y += stage.band_rows) {
    const int64_t end = std::min(y + stage.band_rows, rows.end);
    const int64_t top = y * window.stride.y - window.padding.top;
    const int64_t bottom = (end - 1) * window.stride.y - window.padding.top + rows_spanned(window);
    const Range needed{std::max<int64_t>(top, 0), std::min(bottom, height)};
    const int64_t done = std::clamp(held.end, needed.begin, needed.end);
    if (done > needed.begin) {
      std::memmove(memory, memory + (needed.begin - held.begin) * row_bytes,
                   static_cast<size_t>((done - needed.begin) * row_bytes));
    }
    held = needed;
    uint8_t* const band = memory - needed.begin * row_bytes;
    auto start = std::chrono::steady_clock::now();
    make(Range{done, needed.end}, band);
    if (scratch->is_left(row_cost * static_cast<double>(needed.end - done))) return;
    seconds[0] += seconds_since(start);
    start = std::chrono::steady_clock::now();
    finish(Range{y, end}, band);
    seconds[1] += seconds_since(start);
  }
  scratch->producer_share = seconds[0] / std::max(seconds[0] + seconds[1], 1e-9);
}

Range pixels_of(const NodePlan& node, const Range& rows) {
  return {rows.begin * node.width, rows.end * node.width};
}

// The band holds the producer's reals.
void pool_bands_of_reals(const Plan& plan, const Stage& stage, const Frame& whole,
                         const Range& rows, Scratch* scratch) {
  const NodePlan& producer = plan.nodes[static_cast<size_t>(stage.producer)];
  const NodePlan& pool = plan.nodes[static_cast<size_t>(stage.node)];
  Frame frame = whole;
  frame.banded = pool.node->input;
  NodeRunner make(plan, producer, frame, scratch);  // has no signs: they are the pool's in scratch
  NodeRunner finish(plan, pool, frame, scratch);
  make.start();  // the pool keeps nothing in scratch memory from band to band
  const auto run = [&](NodeRunner& runner, const Range& some, uint8_t* band) {
    frame.band = band;
    runner.run(pixels_of(runner.node, some), {0, static_cast<int64_t>(runner.node.chunks.size())});
  };
  for_each_band(
      plan, stage, rows, scratch,
      [&](const Range& missing, uint8_t* band) { run(make, missing, band); },
      [&](const Range& some, uint8_t* band) { run(finish, some, band); });
}

// A pool of sums, whose results one epilogue makes what both nodes would have.
class SumsPool : public NodeRunner {
 public:
  SumsPool(const Plan& all, const Stage& stage, const Frame& tensors, Scratch* own)
      : NodeRunner(all, all.nodes[static_cast<size_t>(stage.node)], tensors, own) {
    const NodePlan& conv = all.nodes[static_cast<size_t>(stage.producer)];
    args.integer = conv.integer;
    args.scale = conv.scale.data();
    args.shift = conv.shift.data();
    args.activation = conv.node->activation;
  }

  void run(const Range& rows, const SumRows& sums) {
    const Range pixels = pixels_of(node, rows);
    for (int64_t begin = pixels.begin; begin < pixels.end; begin += node.tile_pixels) {
      const Tile tile{begin, std::min(node.tile_pixels, pixels.end - begin)};
      place_outputs(tile);
      pool_sums(*this, sums, tile);
      finish_values(node.chunks[0]);
    }
  }
};

// The band holds the convolution's sums.
void pool_bands_of_sums(const Plan& plan, const Stage& stage, const Frame& frame, const Range& rows,
                        Scratch* scratch) {
  const NodePlan& conv = plan.nodes[static_cast<size_t>(stage.producer)];
  const NodeContext make(plan, conv, frame, scratch);
  SumsPool finish(plan, stage, frame, scratch);
  finish.start();
  const BandLayout layout = band_layout(plan, stage);
  SumRows sums{};
  sums.row_step = layout.row_bytes / static_cast<int64_t>(sizeof(int32_t));
  sums.column_step = layout.pixel_bytes / static_cast<int64_t>(sizeof(int32_t));
  sums.integer = conv.integer;
  sums.order = stage.order.data();
  for_each_band(
      plan, stage, rows, scratch,
      [&](const Range& missing, uint8_t* band) {
        int32_t* const first = reinterpret_cast<int32_t*>(band + missing.begin * layout.row_bytes);
        sum_rows(make, missing.begin, missing.end, first, sums.column_step);
      },
      [&](const Range& some, uint8_t* band) {
        sums.first = reinterpret_cast<const int32_t*>(band);
        finish.run(some, sums);
      });
}

}  // namespace

void run_bands(const Plan& plan, const Stage& stage, const Frame& frame, const Range& rows,
               Scratch* scratch) {
  if (stage.pools_sums) {
    pool_bands_of_sums(plan, stage, frame, rows, scratch);
  } else {
    pool_bands_of_reals(plan, stage, frame, rows, scratch);
  }
}

}  // namespace sbnn
