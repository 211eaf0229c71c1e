#include "run/steps/finish_steps.h"

namespace sbnn {
namespace {

// Addresses by run: of a step's operand or shifts, and of an output.
const float** step_rows(const NodeContext& context, size_t step) {
  return context.scratch.step_runs.data() + step * context.scratch.runs.size();
}
uint8_t** output_rows(const NodeContext& context, size_t output) {
  return context.scratch.sign_runs.data() + output * context.scratch.runs.size();
}

StepArgs step_args(const NodeContext& context, const StepPlan& step, const float** rows) {
  StepArgs args{};
  args.op = step.op;
  args.first = step.first.data();
  args.second = step.second.data();
  if (!step.border.rows.empty()) {
    args.border_rows = rows;
    args.border_columns = step.border.by_column.data();
  }
  const OperandPlan& operand = step.operand;
  if (operand.tensor == kNone) return args;
  const TensorLayout& tensor = context.layout(operand.tensor);
  args.operand = rows;
  args.operand_step = operand.every.x * tensor.channels;
  args.operand_channels = tensor.channels;
  args.offset = operand.offset;
  if (operand.repeat == Repeat::kTile) args.repeated = 1;
  if (operand.repeat == Repeat::kEach) args.repeated = context.node.channels / tensor.channels;
  return args;
}

StoreArgs store_args(const NodeContext& context, const StorePlan& store, uint8_t** rows) {
  const TensorLayout& target = context.layout(store.tensor);
  StoreArgs args{};
  args.after = store.after;
  if (target.kind != Kind::kBits) {
    args.real = rows;
    return args;
  }
  args.signs.threshold = store.sign.threshold.data();
  args.signs.integer_threshold = store.sign.integer_threshold.data();
  args.signs.flip = store.sign.flip.data();
  args.signs.pixels = rows;
  args.signs.pixel_bytes = target.pixel_bytes;
  args.signs.group_channels = target.bits.group_channels;
  args.signs.group_bytes = target.bits.contiguous() ? 0 : target.bits.group_bytes;
  return args;
}

}  // namespace

void set_steps(const NodeContext& context, ChainArgs* args) {
  const NodePlan& node = context.node;
  Scratch& scratch = context.scratch;
  const size_t steps = node.chain.steps.size(), stores = node.chain.stores.size();
  for (size_t s = 0; s < steps; ++s) {
    scratch.steps[s] = step_args(context, node.chain.steps[s], step_rows(context, s));
  }
  for (size_t i = 0; i < stores; ++i) {
    scratch.stores[i] = store_args(context, node.chain.stores[i], output_rows(context, i));
  }
  args->runs = scratch.runs.data();
  args->value_step = node.tile_step;
  args->real_step = node.channels;
  args->integer = node.integer;
  args->step_count = static_cast<int>(steps);
  args->steps = scratch.steps.data();
  args->store_count = static_cast<int>(stores);
  args->stores = scratch.stores.data();
}

void place_steps(const NodeContext& context, const Tile& tile, int runs, ChainArgs* args) {
  const NodePlan& node = context.node;
  const int64_t top = tile.begin / node.width, left = tile.begin % node.width;
  // Calls place(i, y, x) for each run, which begins at pixel (y, x).
  const auto for_runs = [&](auto place) {
    int64_t x = left;
    for (int i = 0; i < runs; ++i, x = 0) place(i, top + i, x);
  };
  for (size_t s = 0; s < node.chain.steps.size(); ++s) {
    const StepPlan& step = node.chain.steps[s];
    const float** const rows = step_rows(context, s);
    if (step.operand.tensor != kNone) {
      const float* const first = context.reals(step.operand.tensor);
      const TensorLayout& tensor = context.layout(step.operand.tensor);
      const Pair every = step.operand.every;
      for_runs([&](int i, int64_t y, int64_t x) {
        rows[i] = first + (y * every.y * tensor.width + x * every.x) * tensor.channels;
      });
    } else if (const BorderShift& border = step.border; !border.rows.empty()) {
      for_runs([&](int i, int64_t y, int64_t) {
        rows[i] = border.rows.data() + border.by_row[static_cast<size_t>(y)];
      });
    }
  }
  for (size_t i = 0; i < node.chain.stores.size(); ++i) {
    const int tensor = node.chain.stores[i].tensor;
    uint8_t** const rows = output_rows(context, i);
    uint8_t* const first = context.frame.tensor(tensor);
    const TensorLayout& target = context.layout(tensor);
    for_runs([&](int run, int64_t y, int64_t x) { rows[run] = first + target.at(y, x); });
  }
  args->run_count = runs;
  args->first_column = left;
}

void finish_steps(const NodeContext& context, const Chunk& chunk, ChainArgs* args) {
  args->channel_begin = chunk.channel;
  args->channel_count = chunk.channels;
  context.kernels.chain(*args);
}

}  // namespace sbnn
