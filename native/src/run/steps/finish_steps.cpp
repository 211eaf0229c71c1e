#include "run/steps/finish_steps.h"

namespace sbnn {
namespace {

class StepPlacer : NodeContext {
 public:
  StepPlacer(const NodeContext& context, const Tile& tile, int runs)
      : NodeContext(context),
        y_(tile.begin / node.width),
        x_(tile.begin % node.width),
        runs_(runs) {}

  void place(ChainArgs* args) const {
    for (size_t s = 0; s < node.chain.steps.size(); ++s) {
      place_step(node.chain.steps[s], scratch.step_runs.data() + s * scratch.runs.size(),
                 &scratch.steps[s]);
    }
    for (size_t i = 0; i < node.chain.stores.size(); ++i) {
      place_store(node.chain.stores[i], scratch.sign_runs.data() + i * scratch.runs.size(),
                  &scratch.stores[i]);
    }
    args->run_count = runs_;
    args->runs = scratch.runs.data();
    args->first_column = x_;
    args->value_step = node.tile_step;
    args->real_step = node.channels;
    args->integer = node.integer;
    args->step_count = static_cast<int>(node.chain.steps.size());
    args->steps = scratch.steps.data();
    args->store_count = static_cast<int>(node.chain.stores.size());
    args->stores = scratch.stores.data();
  }

 private:
  // Calls place(i, y, x) for each run, which begins at pixel (y, x).
  template <typename Place>
  void for_runs(Place place) const {
    int64_t y = y_, x = x_;
    for (int i = 0; i < runs_; ++i, ++y, x = 0) place(i, y, x);
  }

  void place_step(const StepPlan& step, const float** rows, StepArgs* args) const {
    *args = {};
    args->op = step.op;
    args->first = step.first.data();
    args->second = step.second.data();
    const BorderShift& border = step.border;
    if (!border.rows.empty()) {
      for_runs([&](int i, int64_t y, int64_t) {
        rows[i] = border.rows.data() + border.by_row[static_cast<size_t>(y)];
      });
      args->border_rows = rows;
      args->border_columns = border.by_column.data();
    }
    if (step.operand.tensor != kNone) place_operand(step.operand, rows, args);
  }

  void place_operand(const OperandPlan& operand, const float** rows, StepArgs* args) const {
    const TensorLayout& tensor = layout(operand.tensor);
    const float* const first = reals(operand.tensor);
    for_runs([&](int i, int64_t y, int64_t x) {
      rows[i] =
          first + (y * operand.every.y * tensor.width + x * operand.every.x) * tensor.channels;
    });
    args->operand = rows;
    args->operand_step = operand.every.x * tensor.channels;
    args->operand_channels = tensor.channels;
    args->offset = operand.offset;
    if (operand.repeat == Repeat::kTile) args->repeated = 1;
    if (operand.repeat == Repeat::kEach) args->repeated = node.channels / tensor.channels;
  }

  void place_store(const StorePlan& store, uint8_t** rows, StoreArgs* args) const {
    const TensorLayout& target = layout(store.tensor);
    uint8_t* const first = frame.tensor(store.tensor);
    for_runs([&](int i, int64_t y, int64_t x) { rows[i] = first + target.at(y, x); });
    *args = {};
    args->after = store.after;
    if (target.kind != Kind::kBits) {
      args->real = rows;
      return;
    }
    args->signs.threshold = store.sign.threshold.data();
    args->signs.integer_threshold = store.sign.integer_threshold.data();
    args->signs.flip = store.sign.flip.data();
    args->signs.pixels = rows;
    args->signs.pixel_bytes = target.pixel_bytes;
    args->signs.group_channels = target.bits.group_channels;
    args->signs.group_bytes = target.bits.contiguous() ? 0 : target.bits.group_bytes;
  }

  const int64_t y_, x_;  // of the tile's first pixel
  const int runs_;
};

}  // namespace

void place_steps(const NodeContext& context, const Tile& tile, int runs, ChainArgs* args) {
  StepPlacer(context, tile, runs).place(args);
}

void finish_steps(const NodeContext& context, const Chunk& chunk, ChainArgs* args) {
  args->channel_begin = chunk.channel;
  args->channel_count = chunk.channels;
  context.kernels.chain(*args);
}

}  // namespace sbnn
