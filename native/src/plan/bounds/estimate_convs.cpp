// What convolutions ask for: packed weights, tables by border, and where a window's words lie.

#include <algorithm>

#include "plan/bounds/estimate.h"
#include "plan/layouts/plan_filters.h"
#include "plan/words.h"

namespace sbnn {
namespace {

// Rows of scratch and weights as cut_filters() cuts them, without a list of blocks.
struct FilterCut {
  double blocks;
  double padded;      // filters, every block rounded up to whole vectors
  int64_t tile_step;  // values from a tile's pixel to the next
  int64_t windows;    // of a tile

  FilterCut(int64_t channels, int64_t groups, int lanes) {
    const int64_t filters = channels / groups, whole = filters / kBlockFilters;
    const int64_t rest = filters % kBlockFilters;
    blocks = static_cast<double>(groups) * static_cast<double>(whole + (rest > 0 ? 1 : 0));
    padded = static_cast<double>(groups) *
             static_cast<double>(whole * kBlockFilters + round_up(rest, lanes));
    const bool by_block = groups == 1 || rest == 0;
    tile_step = by_block ? kBlockFilters : round_up(channels + 16, 16);
    windows = std::clamp<int64_t>(kGatheredValues / tile_step, 1, kTileWindows);
  }

  double list_bytes() const { return blocks * (sizeof(Block) + sizeof(Chunk)); }
};

void raise_to(int64_t* size, int64_t least) { *size = std::max(*size, least); }

double product(std::initializer_list<int64_t> factors) {
  double result = 1;
  for (const int64_t factor : factors) result *= static_cast<double>(factor);
  return result;
}

// A window's words, and what says where they lie, as plan_words() cuts them.
struct WindowWords {
  double weights = 0;  // of one filter, 32 bits each
  double offsets = 0;  // bytes of their places
  int64_t gathered = 0;
  bool triples = false;

  WindowWords(const FusedNode& node, const TensorLayout& input, const KernelTable& kernels) {
    const bool by_row = node.groups == 1 && (node.dilation.x == 1 || node.kernel.x == 1);
    const int64_t taps = by_row ? node.kernel.x : 1;
    int64_t runs = node.kernel.y * (node.kernel.x / taps);
    const int64_t run_bytes =
        taps * (node.groups == 1 ? input.pixel_bytes : input.bits.group_bytes);
    int64_t run_words = run_bytes / 4;
    if (is_gathered(input, run_bytes, kernels)) {
      const int64_t bytes = runs * run_bytes;
      offsets = product({bytes / (run_bytes % 2 == 0 ? 2 : 1), 8});
      gathered = run_words = (bytes + 3) / 4;
      runs = 1;
    }
    triples = run_words >= 3 && !kernels.looks_up;
    weights = product({runs, run_words, weights_of_word(kernels)});
    offsets += product({runs, triples ? run_words / 3 + run_words % 3 : run_words, 8});
  }
};

}  // namespace

void estimate_binary_conv(const FusedNode& node, const TensorLayout& input, const ConvShape& shape,
                          const KernelTable& kernels, NodeEstimate* estimate,
                          ScratchSizes* scratch) {
  const FilterCut cut(shape.channels, node.groups, kernels.word_lanes);
  const WindowWords window(node, input, kernels);
  const Axis rows = node.row_axis(input.height), columns = node.column_axis(input.width);
  const double patterns = product({count_tap_sets(rows), count_tap_sets(columns)});
  estimate->constants += cut.list_bytes() + window.offsets +
                         array_bytes(4 * cut.padded * window.weights) +
                         array_bytes(4 * patterns * product({round_up(shape.channels, 16)})) +
                         8 * product({rows.outputs() + columns.outputs() + shape.width});
  estimate->operations += product({rows.outputs(), columns.outputs(), shape.channels, node.kernel.y,
                                   node.kernel.x, input.channels / node.groups});
  const int64_t area = node.pool.kernel.y * node.pool.kernel.x;
  const int64_t pixels = even_tile(shape.height * shape.width, cut.windows / area);
  raise_to(&scratch->tile_values, pixels * cut.tile_step);
  raise_to(&scratch->runs, pixels / shape.width + 2);
  if (area > 1) {
    raise_to(&scratch->dots, kTileWindows * cut.tile_step);
    estimate->operations += product({shape.height, shape.width, shape.channels, area});
  }
  raise_to(&scratch->gathered_words, kTileWindows * window.gathered);
  if (window.triples) {
    const int64_t bytes =
        window.gathered == 0 ? input.bytes : kTileWindows * 4 * (window.gathered / 3);
    raise_to(&scratch->triple_xor_bytes, triple_bytes(bytes, kernels));
  }
}

void estimate_real_conv(const FusedGraph& graph, const FusedNode& node, const TensorLayout& input,
                        const ConvShape& shape, const KernelTable& kernels, NodeEstimate* estimate,
                        ScratchSizes* scratch) {
  const FilterCut cut(shape.channels, node.groups, kernels.float_lanes);
  const bool integer = graph.has_whole_sums(node);
  const RowSegments segments = row_segments(node, input);
  const int64_t value_bytes = panel_value_bytes(integer, kernels);
  const TrackShape tracks = choose_tracks(node, input, value_bytes, shape.width);
  const int64_t outputs = int64_t{1} << tracks.levels;  // of a unit
  estimate->constants +=
      cut.list_bytes() +
      array_bytes(4 * cut.padded * product({filter_words(tracks, segments, value_bytes)})) +
      product({segments.count, 16}) + array_bytes(product({input.channels, value_bytes}));
  estimate->operations += product({shape.height, shape.width, shape.channels, node.kernel.y,
                                   node.kernel.x, input.channels / node.groups});

  const int64_t pixels = even_unit_tile(shape.height * shape.width, tracks.levels, cut.windows);
  const int64_t tile_rows = std::min(shape.height, (pixels + shape.width - 2) / shape.width + 1);
  const int64_t units = tracks.levels == 0 ? pixels : pixels / outputs + 2 * tile_rows;
  raise_to(&scratch->tile_values, units * outputs * cut.tile_step);
  raise_to(&scratch->conv_units, units);
  raise_to(&scratch->runs, pixels / shape.width + 2);
  if (input.kind == Kind::kReal && !node.padding.any()) return;
  const int64_t rows = 2 * ((tile_rows - 1) * node.stride.y + rows_spanned(node));
  int64_t values = ((shape.width - 1) * node.stride.x + columns_spanned(node)) * input.channels;
  if (tracks.levels > 0) {
    // A row of its own before it is split into tracks.
    raise_to(&scratch->staging_pixels, 2 * values);
    const int64_t track_values =
        tracks.row_places(shape.width / outputs + 1, tracks.levels) * tracks.place;
    values = round_up(track_values + kSplitSlack, 32) * track_count(tracks.levels);
  }
  raise_to(&scratch->panel_bytes, rows * panel_row_bytes(values, value_bytes));
}

}  // namespace sbnn
