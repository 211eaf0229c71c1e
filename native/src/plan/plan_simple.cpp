// Operations without weights, planned by what the table says of them: their values are float32 of
// all channels at once.

#include "format/table.h"
#include "plan/words.h"

namespace sbnn {
namespace {

int64_t window(const FusedNode& node) { return node.kernel.y * node.kernel.x; }

constexpr double kProduct = 0.08;  // the time of a product of reals, in ns

// The time that a value which is read takes, in ns. Signs are summed a word at a time, and values
// of one pixel one after the other.
double cost_of_read(const FusedNode& node, const TensorLayout& input) {
  const double signs = 0.02, reals = 0.1;
  switch (row_of(node.op).reads) {
    case Reads::kTaps:
      return signs * static_cast<double>(node.groups) / static_cast<double>(input.channels);
    case Reads::kChannels:
      return 4 * reals;
    case Reads::kProducts:
      return kProduct;
    default:
      return input.kind == Kind::kBits ? signs : reals;
  }
}

}  // namespace

int64_t reads_per_value(const FusedNode& node, const TensorLayout& input) {
  switch (row_of(node.op).reads) {
    case Reads::kOne:
      return 1;
    case Reads::kWindow:
      return window(node);
    case Reads::kTaps:
      return window(node) * (input.channels / node.groups);
    case Reads::kPixels:
      return input.pixels();
    case Reads::kChannels:
    case Reads::kProducts:
      return input.channels;
  }
  return 1;
}

SimpleTile simple_tile(const FusedNode& node, const TensorLayout& input,
                       const TensorLayout& output) {
  const bool in_place = node.op == Op::kIdentity && input.kind == Kind::kReal;
  if (in_place) return {true, output.channels, output.pixels()};
  const int64_t step = round_up(output.channels, 16);
  return {false, step, std::clamp<int64_t>(16384 / step, 1, kTileWindows)};
}

ScratchSizes simple_scratch(const FusedNode& node, const Plan& plan, int64_t tile_pixels) {
  ScratchSizes scratch;
  const TensorLayout& input = plan.tensors[static_cast<size_t>(node.input)];
  if (multiplies_signs(node, plan.tensors)) {
    // All of the second factor, and a tile of the first where its pixels are no whole words.
    const auto output = static_cast<size_t>(node.output_tensors()[0]);
    const int64_t filters = round_up(plan.tensors[output].channels, plan.kernels->word_lanes);
    const int64_t windows = input.pixel_bytes % kWordBytes == 0 ? 0 : tile_pixels;
    scratch.factors =
        words_of(input.channels) * (filters * weights_of_word(*plan.kernels) + windows);
    return scratch;
  }
  const Reads reads = row_of(node.op).reads;
  if (reads == Reads::kPixels) scratch.row_sums = input.height * row_sums_step(input.channels);
  if (reads == Reads::kTaps) {
    scratch.sign_sums = columns_reached(node, input, tile_pixels) * node.groups;
  }
  if (reads == Reads::kProducts) {
    // A block of the second factor, a pixel of it, and a tile of the first where that is signs.
    const int64_t first = input.kind == Kind::kBits ? tile_pixels : 0;
    scratch.factors = input.channels * (kBlockFilters + 1 + first);
  }
  return scratch;
}

// The dots of signs: every window has all words, and no border.
void plan_sign_product(int64_t channels, const KernelTable& kernels, NodePlan* plan) {
  BinaryConvPlan& binary = plan->binary;
  binary.singles = static_cast<int>(words_of(channels));
  for (int64_t word = 0; word < binary.singles; ++word) {
    binary.offsets.push_back(word * kWordBytes);
  }
  binary.base = AlignedArray<int32_t>(kBlockFilters);
  std::fill_n(binary.base.data(), kBlockFilters, static_cast<int32_t>(channels));
  plan->bytes += static_cast<int64_t>(binary.base.bytes());
  plan->integer = true;
  plan->cost /= 20.0 * kernels.word_lanes * kProduct;
}

void plan_simple(const FusedGraph& graph, const std::vector<TensorLayout>& tensors,
                 const KernelTable& kernels, NodePlan* plan) {
  const FusedNode& node = *plan->node;
  const TensorLayout& input = tensors[static_cast<size_t>(node.input)];
  const TensorLayout& output = tensors[static_cast<size_t>(node.output_tensors()[0])];
  const SimpleTile tile = simple_tile(node, input, output);
  plan->chunks.push_back({0, plan->channels, 0, 0});
  plan->values_in_place = tile.in_place;
  plan->tile_step = tile.step;
  plan->tile_pixels = tile.pixels;
  for_constants(row_of(node.op), [&](Key key) {
    plan->constants.push_back({key, copy_constant<float>(graph, node.keys.constant(key))});
    plan->bytes += static_cast<int64_t>(plan->constants.back().values.bytes());
  });
  const bool is_sign_product = multiplies_signs(node, tensors);
  const bool is_of_signs = node.op == Op::kMatmul ? is_sign_product : input.kind == Kind::kBits;
  const char* const kind = is_of_signs ? "_b1_" : "_f32_";
  plan->kernel = std::string(row_of(node.op).name) + kind + kernels.isa;
  const int64_t reads = plan->pixels() * plan->channels * reads_per_value(node, input);
  plan->cost = static_cast<double>(reads) * cost_of_read(node, input);
  if (is_sign_product) plan_sign_product(input.channels, kernels, plan);
}

}  // namespace sbnn
