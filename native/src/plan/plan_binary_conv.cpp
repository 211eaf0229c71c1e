// Binary convolutions made ready: weights in reading order, borders tabulated.

#include <algorithm>

#include "plan/layouts/plan_filters.h"
#include "plan/words.h"

namespace sbnn {
namespace {

// Bits from a tap to the next in the window of one group. A convolution without groups reads whole
// pixels, whatever groups their layout has for the sake of others; gaps are 0 in pixels and
// weights.
int64_t tap_bits(const FusedNode& node, const TensorLayout& input) {
  return 8 * (node.groups == 1 ? input.pixel_bytes : input.bits.group_bytes);
}

// Where a window's bits lie, and in which order the kernel reads them.
void plan_words(const FusedNode& node, const TensorLayout& input, const KernelTable& kernels,
                BinaryConvPlan* plan) {
  const bool by_row = node.groups == 1 && (node.dilation.x == 1 || node.kernel.x == 1);
  const int64_t taps = by_row ? node.kernel.x : 1;  // a run
  const int64_t run_bytes = taps * tap_bits(node, input) / 8;
  std::vector<int64_t> runs;  // bytes from the window's address to each
  for (int64_t y = 0; y < node.kernel.y; ++y) {
    for (int64_t x = 0; x < node.kernel.x; x += taps) {
      runs.push_back(y * node.dilation.y * input.row_bytes +
                     x * node.dilation.x * input.pixel_bytes);
    }
  }
  int64_t words = run_bytes / kWordBytes;  // a run
  int64_t step = kWordBytes;               // from a word of a window to the next
  if (is_gathered(input, run_bytes, kernels)) {
    plan->gather = plan_gather(runs, run_bytes);
    runs = {0};
    words = plan->gather.words();
    step = kTileWindows * kWordBytes;
  }
  plan->runs = static_cast<int64_t>(runs.size());
  const int64_t triples = kernels.looks_up ? 0 : words / 3;
  for (const int64_t run : runs) {
    for (int64_t t = 0; t < triples; ++t) plan->offsets.push_back(run + t * step);
  }
  plan->triples = static_cast<int>(plan->offsets.size());
  if (triples > 0) plan->triple_xors_end = plan->offsets.back() + step;
  plan->second = triples * step;
  for (const int64_t run : runs) {
    for (int64_t w = 3 * triples; w < words; ++w) plan->offsets.push_back(run + w * step);
  }
  plan->singles = static_cast<int>(plan->offsets.size()) - plan->triples;
}

// One filter's words in the order of the kernel's steps, from the file's dense bits.
class FilterWords {
 public:
  FilterWords(const FusedNode& node, const TensorLayout& input, const KernelTable& kernels,
              const BinaryConvPlan& plan)
      : side_by_side_(kernels.side_by_side),
        channels_(input.bits.group_channels),
        parts_(input.channels / node.groups / channels_),
        part_bits_(8 * input.bits.group_bytes),
        tap_bits_(tap_bits(node, input)),
        taps_(node.kernel.y * node.kernel.x),
        triples_(plan.triples / plan.runs),
        runs_(plan.runs),
        run_words_(3 * triples_ + plan.singles / plan.runs),
        bits_(static_cast<size_t>(taps_ * tap_bits_ / 64 + 2)),
        words_(static_cast<size_t>(runs_ * run_words_)) {}

  const std::vector<uint32_t>& read(const uint8_t* dense) {
    // Taps follow each other as the runs of a window do; gaps between groups stay 0.
    std::fill(bits_.begin(), bits_.end(), 0);
    int64_t from = 0;
    for (int64_t tap = 0; tap < taps_; ++tap) {
      for (int64_t part = 0; part < parts_; ++part, from += channels_) {
        const int64_t to = tap * tap_bits_ + part * part_bits_;
        for (int64_t c = 0; c < channels_; c += 64) {
          const int64_t count = std::min<int64_t>(64, channels_ - c);
          write_bits(bits_.data(), to + c, read_bits(dense, from + c, count), count);
        }
      }
    }
    uint32_t* next = words_.data();
    for (int64_t run = 0; run < runs_; ++run) {
      for (int64_t t = 0; t < triples_; ++t) {
        const uint32_t first = word(run, t), second = word(run, t + triples_);
        const uint32_t sum = first ^ second ^ word(run, t + 2 * triples_);
        *next++ = first;
        *next++ = side_by_side_ ? first ^ second : second;
        *next++ = side_by_side_ ? ~sum : sum;
      }
    }
    for (int64_t run = 0; run < runs_; ++run) {
      for (int64_t w = 3 * triples_; w < run_words_; ++w) *next++ = word(run, w);
    }
    return words_;
  }

 private:
  uint32_t word(int64_t run, int64_t w) const {
    const int64_t i = run * run_words_ + w;
    return static_cast<uint32_t>(bits_[static_cast<size_t>(i / 2)] >> (i % 2 * 32));
  }

  bool side_by_side_;  // see BinaryDotArgs
  int64_t channels_, parts_, part_bits_, tap_bits_, taps_, triples_, runs_, run_words_;
  std::vector<uint64_t> bits_;
  std::vector<uint32_t> words_;
};

// A filter's dense bits, where the same weights meet several maps side by side: as if each map had
// weights of its own.
std::vector<uint64_t> repeated(const uint8_t* dense, int64_t taps, int64_t channels,
                               int64_t copies) {
  std::vector<uint64_t> bits(static_cast<size_t>(taps * channels * copies / 64 + 2));
  int64_t to = 0;
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t copy = 0; copy < copies; ++copy, to += channels) {
      for (int64_t c = 0; c < channels; c += 64) {
        const int64_t count = std::min<int64_t>(64, channels - c);
        write_bits(bits.data(), to + c, read_bits(dense, tap * channels + c, count), count);
      }
    }
  }
  return bits;
}

// A filter's words in its lane of a vector of filters.
void store_words(const std::vector<uint32_t>& words, const KernelTable& kernels, int64_t lane,
                 uint32_t* vector) {
  for (const uint32_t word : words) {
    store_word(word, kernels, lane, vector);
    vector += kernels.word_lanes * weights_of_word(kernels);
  }
}

// How often base = K - owed·Σ w over the taps outside the image takes their weights away: the
// border's 0 bits count as +1, so once for taps that count nothing, and twice for -1.
int64_t owed_by_border(PadSign sign) {
  switch (sign) {
    case PadSign::kPositive:
      return 0;
    case PadSign::kNegative:
      return 2;
    default:
      return 1;
  }
}

// That base for each border pattern: the sum over the taps inside comes from a two-dimensional
// prefix sum, the rest is the total minus that.
void tabulate_filter(const FusedNode& node, int64_t channels, const uint8_t* dense,
                     const std::vector<TapRange>& rows, const std::vector<TapRange>& columns,
                     std::vector<int64_t>* sums, int64_t step, int32_t* base) {
  const int64_t height = node.kernel.y, width = node.kernel.x;
  const auto sum = [&](int64_t y, int64_t x) -> int64_t& {
    return (*sums)[static_cast<size_t>(y * (width + 1) + x)];
  };
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      int64_t negative = 0;
      for (int64_t c = 0; c < channels; c += 64) {
        const int64_t count = std::min<int64_t>(64, channels - c);
        negative += __builtin_popcountll(read_bits(dense, (y * width + x) * channels + c, count));
      }
      sum(y + 1, x + 1) = channels - 2 * negative + sum(y, x + 1) + sum(y + 1, x) - sum(y, x);
    }
  }
  const int64_t taps = height * width * channels, owed = owed_by_border(node.pad_sign);
  for (const TapRange& row : rows) {
    for (const TapRange& column : columns) {
      const int64_t inside = sum(row.last, column.last) - sum(row.first, column.last) -
                             sum(row.last, column.first) + sum(row.first, column.first);
      *base = static_cast<int32_t>(taps - owed * (sum(height, width) - inside));
      base += step;
    }
  }
}

}  // namespace

void plan_binary_conv(const FusedGraph& graph, const TensorLayout& input,
                      const KernelTable& kernels, NodePlan* plan) {
  const FusedNode& node = *plan->node;
  BinaryConvPlan& binary = plan->binary;
  binary.height = node.row_axis(input.height).outputs();
  binary.width = node.column_axis(input.width).outputs();
  plan->window_area = node.pool.kernel.y * node.pool.kernel.x;
  cut_filters(node.groups, plan);
  plan->tile_pixels = even_tile(plan->pixels(), windows_that_fit(*plan) / plan->window_area);

  const int64_t taps = node.kernel.y * node.kernel.x;
  const int64_t group_channels = input.channels / node.groups;
  plan->macs = binary.height * binary.width * plan->channels * taps * group_channels;

  plan_words(node, input, kernels, &binary);
  const int64_t steps = (3 * int64_t{binary.triples} + binary.singles) * weights_of_word(kernels);
  const int64_t packed = packed_size(*plan, kernels.word_lanes, steps);
  const AxisTaps row_taps(node.row_axis(input.height));
  const AxisTaps column_taps(node.column_axis(input.width));
  const std::vector<TapRange>&rows = row_taps.sets, &columns = column_taps.sets;
  binary.row_base = row_taps.by_output;
  binary.column_base = column_taps.by_output;
  binary.same_until.assign(static_cast<size_t>(plan->width), plan->width);
  const auto step = static_cast<size_t>(node.pool.stride.x);
  for (size_t x = binary.same_until.size() - 1; x > 0; --x) {
    const bool same = binary.column_base[(x - 1) * step] == binary.column_base[x * step];
    binary.same_until[x - 1] = same ? binary.same_until[x] : static_cast<int64_t>(x);
  }
  binary.base_step = round_up(plan->channels, 16);
  binary.base =
      AlignedArray<int32_t>(rows.size() * columns.size() * static_cast<size_t>(binary.base_step));
  const auto row_step = static_cast<int64_t>(columns.size()) * binary.base_step;
  for (int64_t& base : binary.row_base) base *= row_step;
  for (int64_t& base : binary.column_base) base *= binary.base_step;

  const Constant& weight = graph.constants[static_cast<size_t>(node.weight)];
  const size_t row_bytes = weight.bytes / static_cast<size_t>(plan->channels);
  binary.weights = AlignedArray<uint32_t>(static_cast<size_t>(packed));
  FilterWords words(node, input, kernels, binary);
  std::vector<int64_t> sums(static_cast<size_t>((node.kernel.y + 1) * (node.kernel.x + 1)));
  uint32_t* block_weights = binary.weights.data();
  for (Block& block : plan->blocks) {
    block.weights = static_cast<size_t>(block_weights - binary.weights.data());
    for (int64_t i = 0; i < block.filters; ++i) {
      const int64_t filter = block.channel + i;
      const uint8_t* dense = weight.data + static_cast<size_t>(filter) * row_bytes;
      std::vector<uint64_t> every;
      if (node.copies > 1) {
        every = repeated(dense, taps, group_channels / node.copies, node.copies);
        dense = reinterpret_cast<const uint8_t*>(every.data());
      }
      tabulate_filter(node, group_channels, dense, rows, columns, &sums, binary.base_step,
                      binary.base.data() + filter);
      const int64_t lanes = kernels.word_lanes;
      store_words(words.read(dense), kernels, i % lanes, block_weights + i / lanes * lanes * steps);
    }
    block_weights += round_up(block.filters, kernels.word_lanes) * steps;
  }
  plan->bytes += static_cast<int64_t>(binary.weights.bytes() + binary.base.bytes());
  plan->integer = plan->has_dots = true;
  plan->kernel = std::string("conv_b1_") + kernels.isa;
  // Lanes of a vector cost alike whether or not the instruction set counts bits itself.
  plan->cost = static_cast<double>(plan->macs) / (20.0 * kernels.word_lanes);
}

}  // namespace sbnn
