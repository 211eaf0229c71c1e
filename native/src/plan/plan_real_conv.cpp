// Real convolutions made ready: how a window lies in rows of the input, whether a fast convolution
// pays, and the weights packed step by step.

#include "plan/layouts/plan_filters.h"

namespace sbnn {
namespace {

// A kernel's steps for so many values: a step is four bytes of them.
int64_t steps_of(int64_t values, int64_t value_bytes) { return (values * value_bytes + 3) / 4; }

// The words of a filter whose tracks have so many steps.
int64_t words_of(int64_t steps, int64_t value_bytes) {
  return value_bytes == 1 ? 1 + 2 * steps : steps;
}

int64_t units_of(int64_t width, int levels) {
  return (width + (int64_t{1} << levels) - 1) >> levels;
}

}  // namespace

RowSegments row_segments(const FusedNode& node, const TensorLayout& input) {
  // Neighbouring pixels lie side by side: one segment per row.
  const bool by_row = node.groups == 1 && (node.dilation.x == 1 || node.kernel.x == 1);
  if (by_row) return {true, node.kernel.y, node.kernel.x * input.channels};
  return {false, node.kernel.y * node.kernel.x, input.channels / node.groups};
}

int64_t filter_words(const TrackShape& shape, const RowSegments& segments, int64_t value_bytes) {
  int64_t steps = 0;
  for (const int64_t length : track_lengths(shape)) {
    steps += segments.count * steps_of(length, value_bytes);
  }
  return words_of(steps, value_bytes);
}

// The number of levels of fast convolution with the least work: steps, and what it costs to begin a
// track and to put sums together, about as much as kTrackSteps steps.
TrackShape choose_tracks(const FusedNode& node, const TensorLayout& input, int64_t value_bytes,
                         int64_t width) {
  const RowSegments segments = row_segments(node, input);
  TrackShape shape;
  shape.values = segments.values;
  shape.place = segments.by_row ? node.stride.x * input.channels : segments.values;
  if (value_bytes != sizeof(int16_t) || !segments.by_row || node.dilation.x != 1) return shape;
  constexpr double kTrackSteps = 3.5;
  double least = 0;
  for (int levels = 0; levels <= kMaxTrackLevels; ++levels) {
    TrackShape tried = shape;
    tried.levels = levels;
    const double work = (static_cast<double>(filter_words(tried, segments, value_bytes)) +
                         kTrackSteps * track_count(levels)) *
                        static_cast<double>(units_of(width, levels));
    if (levels == 0 || work < least) {
      least = work;
      shape.levels = levels;
    }
  }
  return shape;
}

namespace {

class RealConvPlanner {
 public:
  RealConvPlanner(const FusedGraph& graph, const TensorLayout& input, const KernelTable& kernels,
                  NodePlan* plan)
      : graph_(graph),
        input_(input),
        kernels_(kernels),
        node_(*plan->node),
        plan_(*plan),
        real_(plan->real),
        group_channels_(input.channels / node_.groups),
        segments_(row_segments(node_, input)) {}

  void plan() {
    const Constant& weight = graph_.constants[static_cast<size_t>(node_.weight)];
    plan_.integer = graph_.has_whole_sums(node_);
    plan_.has_dots = weight.dtype == DType::kI16;
    real_.value_bytes = panel_value_bytes(plan_.integer, kernels_);
    const int64_t taps = node_.kernel.y * node_.kernel.x * group_channels_;
    plan_.macs = plan_.pixels() * plan_.channels * taps;
    cut_filters(node_.groups, &plan_);
    real_.panel.tracks = choose_tracks(node_, input_, real_.value_bytes, plan_.width);
    cut_tiles();
    plan_panel();
    plan_segments();
    const int64_t packed = packed_size(plan_, kernels_.float_lanes, real_.steps);
    real_.weights = AlignedArray<uint32_t>(static_cast<size_t>(packed));
    if (real_.value_bytes == 1) {
      pack_filters([&](int64_t filter) { return filter_bytes(weight, filter); });
    } else if (plan_.integer) {
      pack_filters([&](int64_t filter) { return filter_pairs(weight, filter); });
    } else if (weight.dtype == DType::kU64) {
      const auto row_bytes = static_cast<int64_t>(weight.bytes) / plan_.channels;
      pack_real_weights([&](int64_t filter, int64_t tap) {
        return read_bits(weight.data + filter * row_bytes, tap, 1) != 0 ? -1.0f : 1.0f;
      });
    } else {
      pack_real_weights([&](int64_t filter, int64_t tap) {
        float value;
        std::memcpy(&value, weight.data + (filter * real_.steps + tap) * 4, sizeof value);
        return value;
      });
    }
    plan_.bytes += static_cast<int64_t>(real_.weights.bytes());
    plan_.kernel = std::string(plan_.integer ? "conv_i16_" : "conv_f32_") + kernels_.isa;
    if (input_.kind == Kind::kBits) plan_.kernel += "+signs";
    if (weight.dtype == DType::kU64) plan_.kernel += "+packed";
    plan_.cost = static_cast<double>(plan_.macs) / (4.0 * kernels_.float_lanes);
  }

 private:
  void cut_tiles() {
    plan_.tile_pixels = even_unit_tile(plan_.pixels(), real_.levels(), windows_that_fit(plan_));
    const int64_t rows = tile_rows();
    const int64_t outputs = int64_t{1} << real_.levels();
    real_.tile_units =
        real_.levels() == 0 ? plan_.tile_pixels : plan_.tile_pixels / outputs + 2 * rows;
  }

  // Output rows that a tile may meet.
  int64_t tile_rows() const {
    return std::min(plan_.height, (plan_.tile_pixels + plan_.width - 2) / plan_.width + 1);
  }

  void plan_panel() {
    PanelPlan& panel = real_.panel;
    panel.channels = input_.channels;
    panel.left = node_.padding.left;
    panel.width = input_.width;
    panel.height = input_.height;
    panel.units = units_of(plan_.width, real_.levels());
    panel.columns =
        (plan_.width - 1) * node_.stride.x + node_.dilation.x * (node_.kernel.x - 1) + 1;
    int64_t row_values = panel.columns * panel.channels;
    if (real_.levels() > 0) {
      const TrackShape& shape = panel.tracks;
      panel.columns = shape.row_places(panel.units, 0) * node_.stride.x;
      const int64_t track_values = shape.row_places(panel.units, shape.levels) * shape.place;
      panel.pitch = round_up(track_values + kSplitSlack, 32);
      row_values = panel.pitch * track_count(shape.levels);
    }
    panel.row_bytes = panel_row_bytes(row_values, real_.value_bytes);
    // Twice what a tile needs, so that rows seldom move.
    panel.capacity =
        2 * ((tile_rows() - 1) * node_.stride.y + node_.dilation.y * (node_.kernel.y - 1) + 1);
    real_.in_place = !plan_.integer && input_.kind != Kind::kBits && !node_.padding.any();
    if (real_.in_place && input_.kind == Kind::kReal) panel.capacity = 0;
    fill_pads();
  }

  void fill_pads() {
    PanelPlan& panel = real_.panel;
    const auto channels = static_cast<size_t>(input_.channels);
    const Constant* pad = nullptr;
    if (node_.pad_value != kNone) pad = &graph_.constants[static_cast<size_t>(node_.pad_value)];
    if (!plan_.integer) {
      panel.pad_reals = AlignedArray<float>(channels);
      if (pad != nullptr) std::memcpy(panel.pad_reals.data(), pad->data, pad->bytes);
    } else if (real_.value_bytes == 1) {
      panel.pad_bytes = AlignedArray<int8_t>(channels);
      for (size_t c = 0; c < channels; ++c) panel.pad_bytes[c] = pixel_byte(pad_pixel(pad, c));
    } else {
      panel.pad_pixels = AlignedArray<int16_t>(channels);
      for (size_t c = 0; c < channels; ++c) panel.pad_pixels[c] = pad_pixel(pad, c);
    }
  }

  // Of signs as weights it is a whole number in float32.
  static uint8_t pad_pixel(const Constant* pad, size_t channel) {
    if (pad == nullptr) return 0;
    if (pad->dtype == DType::kU8) return pad->data[channel];
    float value;
    std::memcpy(&value, pad->data + channel * sizeof value, sizeof value);
    return static_cast<uint8_t>(value);
  }

  void plan_segments() {
    const PanelPlan& panel = real_.panel;
    for (int64_t segment = 0; segment < segments_.count; ++segment) {
      const int64_t y = segments_.by_row ? segment : segment / node_.kernel.x;
      const int64_t x = segments_.by_row ? 0 : segment % node_.kernel.x;
      const int64_t row = y * node_.dilation.y;
      const int64_t column = x * node_.dilation.x * input_.channels;
      real_.offsets.push_back(row * panel.row_bytes + column * real_.value_bytes);
      real_.offsets_in_place.push_back((row * input_.width * input_.channels + column) *
                                       static_cast<int64_t>(sizeof(float)));
    }
    int64_t shift = 0;
    for (const int64_t length : track_lengths(panel.tracks)) {
      const int64_t steps = steps_of(length, real_.value_bytes);
      real_.tracks.push_back({shift * real_.value_bytes, static_cast<int>(steps), real_.steps});
      real_.steps += segments_.count * steps;
      shift += panel.pitch;
    }
    real_.steps = words_of(real_.steps, real_.value_bytes);
  }

  // A step of float32 is a tap.
  template <typename Weight>
  void pack_real_weights(Weight weight) {
    pack_blocks(kernels_.float_lanes, kernels_.max_tile_vectors, real_.steps, &plan_,
                reinterpret_cast<float*>(real_.weights.data()), weight);
  }

  // words_of(filter) are those of one filter.
  template <typename Words>
  void pack_filters(Words words_of_filter) {
    std::vector<uint32_t> words;
    int64_t current = kNone;
    pack_blocks(kernels_.float_lanes, kernels_.max_tile_vectors, real_.steps, &plan_,
                real_.weights.data(), [&](int64_t filter, int64_t word) {
                  if (filter != current) words = words_of_filter(filter);
                  current = filter;
                  return words[static_cast<size_t>(word)];
                });
  }

  std::vector<int16_t> filter_row(const Constant& weight, int64_t filter, int64_t segment) const {
    std::vector<int16_t> row(static_cast<size_t>(segments_.values));
    if (weight.dtype == DType::kU64) {
      const auto filter_size = static_cast<int64_t>(weight.bytes) / plan_.channels;
      const uint8_t* const bits = weight.data + filter * filter_size;
      const int64_t first = segment * segments_.values;
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] = read_bits(bits, first + static_cast<int64_t>(i), 1) != 0 ? -1 : 1;
      }
      return row;
    }
    const size_t bytes = row.size() * sizeof(int16_t);
    const int64_t place = filter * segments_.count + segment;
    std::memcpy(row.data(), weight.data + static_cast<size_t>(place) * bytes, bytes);
    return row;
  }

  // The words of one filter for windows of bytes.
  std::vector<uint32_t> filter_bytes(const Constant& weight, int64_t filter) const {
    std::vector<uint32_t> words = {0};
    for (int64_t segment = 0; segment < segments_.count; ++segment) {
      std::vector<int16_t> row = filter_row(weight, filter, segment);
      row.resize(round_up(row.size(), 4));
      for (size_t i = 0; i < row.size(); i += 4) {
        uint32_t upper = 0, lower = 0;
        for (size_t k = 0; k < 4; ++k) {
          const int value = row[i + k], low = static_cast<int8_t>(value);
          words[0] += static_cast<uint32_t>(128 * value);
          upper |= static_cast<uint32_t>((value - low) / 256 & 255) << 8 * k;
          lower |= static_cast<uint32_t>(low & 255) << 8 * k;
        }
        words.push_back(upper);
        words.push_back(lower);
      }
    }
    return words;
  }

  // The weights of one filter in pairs, track by track, in each segment by segment.
  std::vector<uint32_t> filter_pairs(const Constant& weight, int64_t filter) const {
    std::vector<std::vector<std::vector<int16_t>>> by_segment;
    for (int64_t segment = 0; segment < segments_.count; ++segment) {
      const std::vector<int16_t> row = filter_row(weight, filter, segment);
      by_segment.push_back(split_weights(real_.panel.tracks, row.data()));
    }
    std::vector<uint32_t> pairs;
    for (size_t track = 0; track < real_.tracks.size(); ++track) {
      for (std::vector<std::vector<int16_t>>& tracks : by_segment) {
        std::vector<int16_t>& values = tracks[track];
        values.resize(2 * static_cast<size_t>(real_.tracks[track].steps));
        for (size_t i = 0; i < values.size(); i += 2) {
          uint32_t pair;
          std::memcpy(&pair, &values[i], sizeof pair);
          pairs.push_back(pair);
        }
      }
    }
    return pairs;
  }

  const FusedGraph& graph_;
  const TensorLayout& input_;
  const KernelTable& kernels_;
  const FusedNode& node_;
  NodePlan& plan_;
  RealConvPlan& real_;
  const int64_t group_channels_;
  const RowSegments segments_;
};

}  // namespace

void plan_real_conv(const FusedGraph& graph, const TensorLayout& input, const KernelTable& kernels,
                    NodePlan* plan) {
  RealConvPlanner(graph, input, kernels, plan).plan();
}

}  // namespace sbnn
