// Random chains of every instruction set against the steps' formulas, value by value.

#include <algorithm>
#include <cstring>
#include <deque>
#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "cpu/memory.h"
#include "draws.h"
#include "format/table.h"
#include "kernels/step_formulas.h"
#include "plan/layouts/bits_layout.h"

using sbnn::StepOp;
using test::draws;
using test::integer;

namespace {

const int kSteps = static_cast<int>(sbnn::step_names().size());

int64_t divisor(int64_t number) {
  int64_t result = 0;
  while (result == 0 || number % result != 0) result = integer(1, static_cast<int>(number));
  return result;
}

bool same(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::memcmp(&a, &b, sizeof a) == 0;
}

// Rows of a map of this width, of which a chain takes some pixels; all else is drawn.
class Chain {
 public:
  explicit Chain(const std::vector<StepOp>& ops) {
    constexpr int kChannels[] = {1, 3, 8, 16, 17, 24, 32, 33, 48, 64, 65, 70, 96, 128, 130};
    channels_ = kChannels[integer(0, static_cast<int>(std::size(kChannels)) - 1)];
    args_.integer = integer(0, 1) == 0;
    draw_runs();
    for (const StepOp op : ops) draw_step(op);
    const auto count = static_cast<int>(ops.size());
    for (int after = 0; after <= count; ++after) {
      while (integer(0, 2) == 0) draw_store(after);
    }
    draw_store(count);
    args_.steps = steps_.data();
    args_.step_count = count;
    args_.stores = stores_.data();
    args_.store_count = static_cast<int>(stores_.size());
  }

  // Channels in chunks of words, as a node's chunks are. Threads may finish them in any order,
  // unless there are gaps between groups.
  void run(const sbnn::KernelTable& kernels) {
    const int64_t most = 64 * integer(1, 3);
    std::vector<int64_t> chunks;
    for (int64_t c = 0; c < channels_; c += most) chunks.push_back(c);
    if (!has_gaps_ && integer(0, 1) == 0) std::reverse(chunks.begin(), chunks.end());
    for (const int64_t c : chunks) {
      args_.channel_begin = c;
      args_.channel_count = std::min(most, channels_ - c);
      std::vector<sbnn::EpilogueRun> runs = runs_;
      for (sbnn::EpilogueRun& run : runs) run.values += c;
      args_.runs = runs.data();
      kernels.chain(args_);
    }
  }

  void check() const {
    for (size_t r = 0; r < runs_.size(); ++r) {
      for (int64_t pixel = 0; pixel < runs_[r].pixels; ++pixel) {
        for (int64_t c = 0; c < channels_; ++c) check_value(r, pixel, c);
      }
    }
  }

 private:
  struct Target {
    sbnn::BitsLayout bits;
    sbnn::AlignedArray<uint8_t> memory;
    std::vector<uint8_t*> rows;
    sbnn::AlignedArray<float> threshold;
    sbnn::AlignedArray<int32_t> integer_threshold;
    sbnn::AlignedArray<uint64_t> flip;
  };
  struct Operand {
    sbnn::AlignedArray<float> memory;
    std::vector<const float*> rows;
    std::vector<int64_t> columns;
  };

  void draw_runs() {
    const int count = integer(1, 3);
    width_ = integer(1, 19);
    args_.first_column = integer(0, static_cast<int>(width_) - 1);
    args_.run_count = count;
    args_.value_step = sbnn::round_up(channels_, 16);
    args_.real_step = channels_;
    const int64_t size = count * width_ * args_.value_step;
    values_ = draws(size);
    for (int64_t i = 0; args_.integer && i < size; ++i) {
      const int value = integer(-300, 300);
      std::memcpy(values_.data() + i, &value, sizeof value);
    }
    for (int r = 0; r < count; ++r) {
      sbnn::EpilogueRun run{};
      run.pixels = r == 0 ? width_ - args_.first_column : integer(1, static_cast<int>(width_));
      run.values = reinterpret_cast<const int32_t*>(values_.data()) + r * width_ * args_.value_step;
      runs_.push_back(run);
    }
  }

  void draw_step(StepOp op) {
    sbnn::StepArgs step{};
    step.op = op;
    const bool weighs = op != StepOp::kAdd || integer(0, 1) == 0;
    step.first = weighs ? constants_.emplace_back(draws(channels_)).data() : nullptr;
    step.second = constants_.emplace_back(draws(channels_)).data();
    if (sbnn::has_key(op, sbnn::Key::kInput)) draw_operand(&step);
    if (op == StepOp::kAffine && integer(0, 1) == 0) draw_border(&step);
    steps_.push_back(step);
  }

  void draw_operand(sbnn::StepArgs* step) {
    const auto most = static_cast<int>(channels_);
    step->operand_channels = channels_;
    switch (integer(0, 4)) {
      case 0:
        step->repeated = 1;
        step->operand_channels = integer(0, 1) == 0 ? 1 : integer(1, most);
        break;
      case 1:
        step->operand_channels = divisor(channels_);
        step->repeated = channels_ / step->operand_channels;
        break;
      case 2:
        step->operand_channels = integer(1, most);
        step->offset = integer(0, most - static_cast<int>(step->operand_channels));
        break;
      default:
        break;
    }
    step->operand_step = integer(0, 2) * step->operand_channels;
    const int64_t row = (2 * width_ + 1) * step->operand_channels;
    Operand& operand = operands_.emplace_back();
    operand.memory = draws(row * args_.run_count);
    for (int r = 0; r < args_.run_count; ++r)
      operand.rows.push_back(operand.memory.data() + r * row);
    step->operand = operand.rows.data();
  }

  void draw_border(sbnn::StepArgs* step) {
    Operand& border = operands_.emplace_back();
    border.memory = draws(6 * channels_);
    for (int r = 0; r < args_.run_count; ++r) {
      border.rows.push_back(border.memory.data() + integer(0, 1) * 3 * channels_);
    }
    for (int64_t x = 0; x < width_; ++x) border.columns.push_back(integer(0, 2) * channels_);
    step->border_rows = border.rows.data();
    step->border_columns = border.columns.data();
  }

  void draw_store(int after) {
    sbnn::StoreArgs store{};
    store.after = after;
    Target& target = targets_.emplace_back();
    const int64_t groups = integer(0, 3) == 0 ? divisor(channels_) : 1;
    target.bits = sbnn::BitsLayout(channels_, groups);
    has_gaps_ |= !target.bits.contiguous();
    const bool real = integer(0, 1) == 0;
    const int64_t pixel_bytes = real ? channels_ * 4 : target.bits.pixel_bytes;
    const auto bytes = static_cast<size_t>(args_.run_count * width_ * pixel_bytes);
    target.memory = sbnn::AlignedArray<uint8_t>(bytes);
    std::memset(target.memory.data(), 0xff, bytes);
    for (int r = 0; r < args_.run_count; ++r) {
      target.rows.push_back(target.memory.data() + r * width_ * pixel_bytes);
    }
    if (real) {
      store.real = target.rows.data();
    } else {
      draw_signs(&target, args_.integer && after == 0 && integer(0, 1) == 0, &store.signs);
    }
    stores_.push_back(store);
  }

  void draw_signs(Target* target, bool of_integers, sbnn::SignArgs* signs) const {
    signs->pixels = target->rows.data();
    signs->pixel_bytes = target->bits.pixel_bytes;
    signs->group_channels = target->bits.group_channels;
    signs->group_bytes = target->bits.contiguous() ? 0 : target->bits.group_bytes;
    target->flip = sbnn::AlignedArray<uint64_t>(static_cast<size_t>((channels_ + 63) / 64));
    for (int64_t c = 0; c < channels_; ++c) {
      target->flip[static_cast<size_t>(c / 64)] |= static_cast<uint64_t>(integer(0, 1)) << (c % 64);
    }
    signs->flip = target->flip.data();
    target->threshold = draws(channels_);
    target->integer_threshold = sbnn::AlignedArray<int32_t>(static_cast<size_t>(channels_));
    for (int64_t c = 0; c < channels_; ++c) {
      target->integer_threshold[static_cast<size_t>(c)] = integer(-200, 200);
    }
    signs->threshold = of_integers ? nullptr : target->threshold.data();
    signs->integer_threshold = of_integers ? target->integer_threshold.data() : nullptr;
  }

  float operand(const sbnn::StepArgs& step, size_t r, int64_t pixel, int64_t c) const {
    const float* const at = step.operand[r] + pixel * step.operand_step;
    if (step.repeated > 0) return at[c / step.repeated % step.operand_channels];
    const bool has = c >= step.offset && c < step.offset + step.operand_channels;
    return has ? at[c - step.offset] : 0.0f;
  }

  void check_value(size_t r, int64_t pixel, int64_t c) const {
    const int32_t* const first = runs_[r].values + pixel * args_.value_step + c;
    float v = args_.integer ? static_cast<float>(*first) : *reinterpret_cast<const float*>(first);
    int done = 0;
    for (const sbnn::StoreArgs& store : stores_) {
      for (; done < store.after; ++done) {
        const sbnn::StepArgs& step = steps_[static_cast<size_t>(done)];
        test::Lane lane{step.first != nullptr, 0, step.second[c], 0};
        if (lane.has_first) lane.first = step.first[c];
        if (step.operand != nullptr) lane.operand = operand(step, r, pixel, c);
        if (step.border_rows != nullptr) {
          const int64_t x = (r == 0 ? args_.first_column : 0) + pixel;
          lane.second = step.border_rows[r][step.border_columns[x] + c];
        }
        v = test::step(step.op, v, lane);
      }
      if (store.real != nullptr) {
        const auto* const row = reinterpret_cast<const float*>(store.real[r]);
        CHECK(same(row[pixel * channels_ + c], v));
      } else {
        const uint8_t* const at = store.signs.pixels[r] + pixel * store.signs.pixel_bytes;
        const sbnn::BitsLayout& bits = targets_[static_cast<size_t>(&store - stores_.data())].bits;
        CHECK(bits.get(at, c) == expected(store.signs, *first, v, c));
        // Bits behind the channels are 0.
        if (c == 0) CHECK(count_signs({8 * bits.pixel_bytes, 1}, at) == count_signs(bits, at));
      }
    }
  }

  static int count_signs(const sbnn::BitsLayout& bits, const uint8_t* pixel) {
    int signs = 0;
    for (int64_t c = 0; c < bits.channels; ++c) signs += bits.get(pixel, c) ? 1 : 0;
    return signs;
  }

  static bool expected(const sbnn::SignArgs& signs, int32_t integer, float v, int64_t c) {
    const bool flip = (signs.flip[c / 64] >> (c % 64)) & 1;
    const bool negative = signs.integer_threshold != nullptr ? integer < signs.integer_threshold[c]
                                                             : v < signs.threshold[c];
    return negative != flip;
  }

  int64_t channels_, width_ = 0;
  bool has_gaps_ = false;
  sbnn::AlignedArray<float> values_;
  std::vector<sbnn::EpilogueRun> runs_;
  std::deque<sbnn::AlignedArray<float>> constants_;
  std::deque<Operand> operands_;
  std::deque<Target> targets_;
  std::vector<sbnn::StepArgs> steps_;
  std::vector<sbnn::StoreArgs> stores_;
  sbnn::ChainArgs args_{};
};

void test_chain(const sbnn::KernelTable& kernels, const std::vector<StepOp>& ops) {
  Chain chain(ops);
  chain.run(kernels);
  chain.check();
}

void test_exponentials(const sbnn::KernelTable& kernels) {
  const int64_t count = integer(1, 70);
  auto values = draws(count);
  std::vector<float> before(values.data(), values.data() + count);
  kernels.exponentials(values.data(), count);
  for (size_t i = 0; i < before.size(); ++i) CHECK(same(values[i], test::exponential(before[i])));
}

}  // namespace

int main() {
  for (const sbnn::KernelTable* kernels : sbnn::usable_kernels()) {
    for (int round = 0; round < 40; ++round) {
      for (int op = 0; op < kSteps; ++op) test_chain(*kernels, {static_cast<StepOp>(op)});
      std::vector<StepOp> ops;
      for (int i = integer(0, 7); i > 0; --i)
        ops.push_back(static_cast<StepOp>(integer(0, kSteps - 1)));
      test_chain(*kernels, ops);
      test_exponentials(*kernels);
    }
  }
  return test::finish();
}
