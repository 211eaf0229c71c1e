// Binary convolutions made ready: weights in reading order, borders tabulated.

#include <algorithm>
#include <map>

#include "plan_filters.h"

namespace sbnn {
namespace {

// Taps [first, last) of one axis that lie inside the input, for a window.
struct TapRange {
  int64_t first, last;
  bool operator<(const TapRange& other) const {
    return first != other.first ? first < other.first : last < other.last;
  }
};

TapRange taps_inside(int64_t output, int64_t stride, int64_t padding, int64_t dilation,
                     int64_t kernel, int64_t size) {
  const int64_t start = output * stride - padding;
  const int64_t first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  const int64_t last = start >= size ? 0 : (size - 1 - start) / dilation + 1;
  const TapRange range{std::min(first, kernel), std::clamp<int64_t>(last, 0, kernel)};
  return range.first < range.last ? range : TapRange{0, 0};
}

// Numbers the different ranges of an axis in order of appearance; `pattern` by output position.
std::vector<TapRange> number_ranges(int64_t outputs, int64_t stride, int64_t padding,
                                    int64_t dilation, int64_t kernel, int64_t size,
                                    std::vector<int32_t>* pattern) {
  std::vector<TapRange> ranges;
  std::map<TapRange, int32_t> numbers;
  for (int64_t i = 0; i < outputs; ++i) {
    const TapRange range = taps_inside(i, stride, padding, dilation, kernel, size);
    const auto [found, added] = numbers.emplace(range, static_cast<int32_t>(ranges.size()));
    if (added) ranges.push_back(range);
    pattern->push_back(found->second);
  }
  return ranges;
}

// Bits from a tap to the next in the window of one group. A convolution without groups reads whole
// pixels, whatever groups their layout has for the sake of others; gaps are 0 in pixels and
// weights.
int64_t tap_bits(const Node& node, const TensorLayout& input) {
  return 8 * (node.groups == 1 ? input.pixel_bytes : input.bits.group_bytes);
}

// The words a window is read in. Where a kernel row's pixels lie side by side it is read as one run
// of bits, else tap by tap. A run's last word holds foreign bits unless the run is whole words.
struct WindowWords {
  int64_t runs = 0;       // a window
  int64_t run_words = 0;  // a run
  int64_t run_bits = 0;
  bool by_row = false;
  std::vector<int64_t> order;  // of word w of run r at r·run_words + w: its place in reading order

  WindowWords(const Node& node, const TensorLayout& input, BinaryConvPlan* plan) {
    by_row = node.groups == 1 && (node.dilation.x == 1 || node.kernel.x == 1);
    runs = by_row ? node.kernel.y : node.kernel.y * node.kernel.x;
    run_bits = tap_bits(node, input) * (by_row ? node.kernel.x : 1);
    run_words = (run_bits + 63) / 64;
    order.resize(static_cast<size_t>(runs * run_words));
    const uint64_t tail = run_bits % 64 == 0 ? 0 : (uint64_t{1} << (run_bits % 64)) - 1;
    const int64_t whole_words = run_bits / 64;
    for (const bool foreign : {false, true}) {
      for (int64_t run = 0; run < runs; ++run) {
        const int64_t y = by_row ? run : run / node.kernel.x;
        const int64_t x = by_row ? 0 : run % node.kernel.x;
        const int64_t begin =
            y * node.dilation.y * input.row_bytes + x * node.dilation.x * input.pixel_bytes;
        for (int64_t word = 0; word < run_words; ++word) {
          if ((word >= whole_words) != foreign) continue;
          order[static_cast<size_t>(run * run_words + word)] =
              static_cast<int64_t>(plan->offsets.size());
          plan->offsets.push_back(begin + word * 8);
          if (foreign) plan->masks.push_back(tail);
        }
      }
    }
  }
};

// One filter's bits, from the file's dense order to the kernel's reading order.
void reorder_filter(const Node& node, const TensorLayout& input, const WindowWords& words,
                    const uint8_t* dense, std::vector<uint64_t>* run, uint64_t* ordered) {
  const int64_t channels = input.bits.group_channels;
  const int64_t groups = input.channels / node.groups / channels;   // of the layout, in a tap
  const int64_t taps = node.kernel.y * node.kernel.x / words.runs;  // a run
  int64_t from = 0;
  for (int64_t r = 0; r < words.runs; ++r) {
    std::fill(run->begin(), run->end(), 0);
    for (int64_t part = 0; part < taps * groups; ++part) {
      const int64_t to =
          part / groups * tap_bits(node, input) + part % groups * input.bits.group_bytes * 8;
      for (int64_t c = 0; c < channels; c += 64) {
        const int64_t count = std::min<int64_t>(64, channels - c);
        write_bits(run->data(), to + c, read_bits(dense, from + c, count), count);
      }
      from += channels;
    }
    for (int64_t word = 0; word < words.run_words; ++word) {
      const int64_t place = words.order[static_cast<size_t>(r * words.run_words + word)];
      ordered[place] = (*run)[static_cast<size_t>(word)];
    }
  }
}

// base = K - Σ w over the taps outside the image, for each border pattern: the sum over the taps
// inside comes from a two-dimensional prefix sum, the rest is the total minus that.
void tabulate_filter(const Node& node, int64_t channels, const uint8_t* dense,
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
  const int64_t taps = height * width * channels;
  for (const TapRange& row : rows) {
    for (const TapRange& column : columns) {
      const int64_t inside = sum(row.last, column.last) - sum(row.first, column.last) -
                             sum(row.last, column.first) + sum(row.first, column.first);
      *base = static_cast<int32_t>(taps - (sum(height, width) - inside));
      base += step;
    }
  }
}

}  // namespace

Status plan_binary_conv(const Graph& graph, const TensorLayout& input, const KernelTable& kernels,
                        NodePlan* plan) {
  const Node& node = *plan->node;
  BinaryConvPlan& binary = plan->binary;
  binary.height =
      output_size(input.height, node.kernel.y, node.stride.y, node.padding.y, node.dilation.y);
  binary.width =
      output_size(input.width, node.kernel.x, node.stride.x, node.padding.x, node.dilation.x);
  plan->window_area = node.pool.kernel.y * node.pool.kernel.x;
  cut_filters(node.groups, plan);
  plan->tile_pixels = std::max<int64_t>(1, windows_that_fit(*plan) / plan->window_area);

  const int64_t taps = node.kernel.y * node.kernel.x;
  const int64_t group_channels = input.channels / node.groups;
  plan->macs = binary.height * binary.width * plan->channels * taps * group_channels;

  SIGNBIT_TRY(check_work_bytes(
      node.name,
      packed_size(*plan, kernels.word_lanes, taps * ((tap_bits(node, input) + 63) / 64)) * 8.0));
  const WindowWords words(node, input, &binary);
  const std::vector<TapRange> rows =
      number_ranges(binary.height, node.stride.y, node.padding.y, node.dilation.y, node.kernel.y,
                    input.height, &binary.row_pattern);
  const std::vector<TapRange> columns =
      number_ranges(binary.width, node.stride.x, node.padding.x, node.dilation.x, node.kernel.x,
                    input.width, &binary.column_pattern);
  binary.base_step = round_up(plan->channels, 16);
  SIGNBIT_TRY(check_work_bytes(node.name, 4.0 * static_cast<double>(rows.size()) *
                                              static_cast<double>(columns.size()) *
                                              static_cast<double>(binary.base_step)));
  binary.base =
      AlignedArray<int32_t>(rows.size() * columns.size() * static_cast<size_t>(binary.base_step));
  for (int32_t& number : binary.row_pattern) number *= static_cast<int32_t>(columns.size());

  const Constant& weight = graph.constants[static_cast<size_t>(node.weight)];
  const auto steps = static_cast<int64_t>(binary.offsets.size());
  const size_t row_bytes = weight.bytes / static_cast<size_t>(plan->channels);
  AlignedArray<uint64_t> ordered(static_cast<size_t>(plan->channels * steps));
  std::vector<uint64_t> run(static_cast<size_t>(words.run_words));
  std::vector<int64_t> sums(static_cast<size_t>((node.kernel.y + 1) * (node.kernel.x + 1)));
  for (int64_t filter = 0; filter < plan->channels; ++filter) {
    const uint8_t* dense = weight.data + static_cast<size_t>(filter) * row_bytes;
    reorder_filter(node, input, words, dense, &run, ordered.data() + filter * steps);
    tabulate_filter(node, group_channels, dense, rows, columns, &sums, binary.base_step,
                    binary.base.data() + filter);
  }
  binary.weights =
      AlignedArray<uint64_t>(static_cast<size_t>(packed_size(*plan, kernels.word_lanes, steps)));
  pack_blocks(kernels.word_lanes, kernels.max_tile_vectors, steps, plan, binary.weights.data(),
              [&](int64_t filter, int64_t step) {
                return ordered[static_cast<size_t>(filter * steps + step)];
              });
  plan->bytes += static_cast<int64_t>(binary.weights.bytes() + binary.base.bytes());
  plan->kernel = std::string("conv_b1_") + kernels.isa;
  // Lanes of a vector cost alike whether or not the instruction set counts bits itself.
  plan->cost = static_cast<double>(plan->macs) / (40.0 * kernels.word_lanes);
  return {};
}

}  // namespace sbnn
