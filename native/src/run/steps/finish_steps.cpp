#include "run/steps/finish_steps.h"

#include <cstring>

#include "run/steps/operand.h"

namespace sbnn {
namespace {

// Values of pixels that lie side by side in one row of the output.
struct Piece {
  float* values;
  int64_t pixels;
  int64_t y, x;
};

class StepWalk : NodeContext {
 public:
  StepWalk(const NodeContext& context, int runs, const Chunk& chunk, const Tile& tile)
      : NodeContext(context), runs_(runs), chunk_(chunk), tile_(tile) {}

  void finish() {
    store_after(0, node.integer);
    size_t done = 0;
    if (node.integer) done = make_reals();
    if (done > 0) store_after(done, false);
    for (; done < node.chain.steps.size(); store_after(++done, false)) {
      run_step(node.chain.steps[done]);
    }
  }

 private:
  EpilogueRun& run(int i) const { return scratch.runs[static_cast<size_t>(i)]; }

  // Calls each(piece) row by row, or once where rows follow each other and need not be told apart.
  template <typename Each>
  void for_pieces(bool by_row, Each each) const {
    int64_t y = tile_.begin / node.width, x = tile_.begin % node.width;
    for (int i = 0; i < runs_; ++y, x = 0) {
      int32_t* const values = const_cast<int32_t*>(run(i).values);
      Piece piece{reinterpret_cast<float*>(values), run(i).pixels, y, x};
      ++i;
      while (!by_row && i < runs_ && run(i).values == values + piece.pixels * node.tile_step) {
        piece.pixels += run(i).pixels;
        ++i;
        ++y;
      }
      each(piece);
    }
  }

  // Of integers, and takes an affine step on the way; returns how many steps that was.
  size_t make_reals() const {
    const std::vector<StepPlan>& steps = node.chain.steps;
    const bool affine =
        !steps.empty() && steps[0].op == StepOp::kAffine && steps[0].border.rows.empty();
    AdjustDotsArgs args{};
    args.filters = chunk_.channels;
    args.value_step = node.tile_step;
    if (affine) {
      args.scale = from(steps[0].first, chunk_.channel);
      args.shift = from(steps[0].second, chunk_.channel);
    }
    for_pieces(false, [&](const Piece& piece) {
      args.pixels = piece.pixels;
      args.values = reinterpret_cast<int32_t*>(piece.values);
      kernels.adjust_dots(args);
    });
    return affine ? 1 : 0;
  }

  static const float* from(const AlignedArray<float>& constant, int64_t channel) {
    return constant.empty() ? nullptr : constant.data() + channel;
  }

  void run_step(const StepPlan& step) const {
    StepArgs args{};
    args.channels = chunk_.channels;
    args.value_step = node.tile_step;
    args.first = from(step.first, chunk_.channel);
    args.second = from(step.second, chunk_.channel);
    if (!step.border.rows.empty()) {
      for_pieces(true, [&](const Piece& piece) { run_bordered(step, piece, args); });
      return;
    }
    const bool reads = step.operand.tensor != kNone;
    for_pieces(reads, [&](const Piece& piece) {
      args.values = piece.values;
      args.pixels = piece.pixels;
      if (reads) {
        const OperandRow row =
            operand_row(*this, step.operand, chunk_, piece.y, piece.x, piece.pixels);
        args.operand = row.first;
        args.operand_step = row.step;
      }
      kernels.step(step.op, args);
    });
  }

  // Pixels that meet the same columns of the border go together.
  void run_bordered(const StepPlan& step, const Piece& piece, StepArgs args) const {
    const BorderShift& border = step.border;
    const float* const row =
        border.rows.data() + chunk_.channel + border.by_row[static_cast<size_t>(piece.y)];
    const int64_t* const columns = border.by_column.data() + piece.x;
    for (int64_t i = 0; i < piece.pixels; i += args.pixels) {
      args.pixels = 1;
      while (i + args.pixels < piece.pixels && columns[i + args.pixels] == columns[i]) {
        ++args.pixels;
      }
      args.values = piece.values + i * node.tile_step;
      args.operand = row + columns[i];
      kernels.step(step.op, args);
    }
  }

  void store_after(size_t steps, bool integer) const {
    for (const StorePlan& store : node.chain.stores) {
      if (store.after == steps) run_store(store, integer);
    }
  }

  // An epilogue that does nothing but store.
  void run_store(const StorePlan& store, bool integer) const {
    EpilogueArgs args{};
    args.run_count = runs_;
    args.runs = scratch.runs.data();
    args.value_step = node.tile_step;
    args.real_step = node.channels;
    args.channel_begin = chunk_.channel;
    args.channel_count = chunk_.channels;
    args.integer = integer;
    args.wants_real = store.real != kNone;
    args.activation = Activation::kNone;
    place_reals(store.real);
    args.sign_count = static_cast<int>(store.signs.size());
    args.signs = scratch.signs.data();
    for (size_t s = 0; s < store.signs.size(); ++s) {
      const SignPlan& sign = store.signs[s];
      const TensorLayout& target = layout(store.bits[s]);
      args.wants_real |= !sign.threshold.empty();
      uint8_t** const rows = scratch.sign_runs.data() + s * scratch.runs.size();
      place_rows(store.bits[s], [&](int i, uint8_t* first) { rows[i] = first; });
      SignArgs& signs = scratch.signs[s];
      signs.threshold = sign.threshold.data();
      signs.integer_threshold = sign.integer_threshold.data();
      signs.flip = sign.flip.data();
      signs.pixels = rows;
      signs.pixel_bytes = target.pixel_bytes;
      signs.group_channels = target.bits.group_channels;
      signs.group_bytes = target.bits.contiguous() ? 0 : target.bits.group_bytes;
    }
    kernels.epilogue(args);
  }

  void place_reals(int tensor) const {
    for (int i = 0; i < runs_; ++i) run(i).real = nullptr;
    if (tensor == kNone) return;
    place_rows(tensor,
               [&](int i, uint8_t* first) { run(i).real = reinterpret_cast<float*>(first); });
  }

  // Calls place(run, where it begins in a tensor).
  template <typename Place>
  void place_rows(int tensor, Place place) const {
    int64_t y = tile_.begin / node.width, x = tile_.begin % node.width;
    for (int i = 0; i < runs_; ++i, ++y, x = 0) {
      place(i, frame.tensor(tensor) + layout(tensor).at(y, x));
    }
  }

  const int runs_;
  const Chunk& chunk_;
  const Tile& tile_;
};

}  // namespace

void finish_steps(const NodeContext& context, int runs, const Chunk& chunk, const Tile& tile) {
  StepWalk(context, runs, chunk, tile).finish();
}

}  // namespace sbnn
