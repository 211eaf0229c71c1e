#include "training/dots/sign_conv.h"

#include <algorithm>
#include <cstring>

#include "cpu/dispatch.h"
#include "run/node_runner.h"
#include "training/pointwise.h"

namespace sbnn {
namespace {

constexpr int kSigns = 0, kDots = 1;  // the graph's tensors

// A row of a filter's signs, in the words of a file.
void pack_filter(const float* weights, int64_t taps, uint64_t* words) {
  for (int64_t tap = 0; tap < taps; ++tap) {
    words[tap / 64] |= uint64_t{weights[tap] < 0.0f} << (tap % 64);
  }
}

// A row of pixels. Where there are gaps between groups, each group's signs are packed by
// themselves.
void pack_row(const BitsLayout& bits, const float* x, const float* shift, float divisor,
              int64_t pixels, uint8_t* signs) {
  const PointwiseTable& table = pointwise_table();
  if (bits.contiguous()) {
    table.pack_signs(x, shift, divisor, pixels, bits.channels, bits.pixel_bytes, signs);
    return;
  }
  for (int64_t p = 0; p < pixels; ++p) {
    for (int64_t c = 0; c < bits.channels; c += bits.group_channels) {
      table.pack_signs(x, shift == nullptr ? nullptr : shift + c, divisor, 1, bits.group_channels,
                       bits.group_bytes, signs);
      x += bits.group_channels;
      signs += bits.group_bytes;
    }
  }
}

Axis axis(int64_t size, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  return {size, kernel, stride, padding, padding, dilation};
}

}  // namespace

bool are_signs(const float* values, int64_t count) {
  constexpr uint32_t kMagnitude = 0x7fffffff, kOne = 0x3f800000;
  uint32_t differing = 0;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, values + i, sizeof bits);
    differing |= (bits & kMagnitude) ^ kOne;
  }
  return differing == 0;
}

Status SignConv::make(const SignConvShape& shape, SignConv* conv) {
  conv->shape_ = shape;
  FusedNode node;
  node.op = Op::kBinaryConv;
  node.name = "conv";
  node.input = kSigns;
  node.kernel = shape.kernel;
  node.stride = shape.stride;
  node.padding = {shape.padding.y, shape.padding.x, shape.padding.y, shape.padding.x};
  node.dilation = shape.dilation;
  node.groups = shape.groups;
  node.weight = 0;
  node.real = kDots;
  conv->out_height_ = node.row_axis(shape.height).outputs();
  conv->out_width_ = node.column_axis(shape.width).outputs();
  if (conv->out_height_ < 1 || conv->out_width_ < 1) {
    return {Code::kInput, "a binary convolution's kernel does not fit into its input of " +
                              std::to_string(shape.height) + " x " + std::to_string(shape.width)};
  }
  FusedGraph& graph = conv->graph_;
  graph.tensors = {{Kind::kBits, shape.height, shape.width, shape.in_channels},
                   {Kind::kReal, conv->out_height_, conv->out_width_, shape.out_channels}};
  graph.inputs = 1;
  graph.outputs = {kDots};
  graph.nodes.push_back(std::move(node));
  const int64_t taps = shape.kernel.y * shape.kernel.x * (shape.in_channels / shape.groups);
  const int64_t words = round_up(taps, 64) / 64;
  conv->weights_.assign(static_cast<size_t>(shape.out_channels * words), 0);
  Constant weight;
  weight.name = "weight";
  weight.dtype = DType::kU64;
  weight.shape = {shape.out_channels, words};
  weight.data = reinterpret_cast<const uint8_t*>(conv->weights_.data());
  weight.bytes = conv->weights_.size() * sizeof(uint64_t);
  graph.constants.push_back(std::move(weight));
  SIGNBIT_TRY(conv->plan_weights());
  conv->sign_bytes_ = conv->plan_.tensors[kSigns].pixel_bytes;
  return {};
}

Status SignConv::plan_weights() {
  const KernelTable* kernels = nullptr;
  SIGNBIT_TRY(choose_kernels("", &kernels));
  plan_ = Plan();
  make_plan(graph_, *kernels, &plan_);
  storage_.offsets = {0, kNone};  // dots go to the caller's memory
  storage_.bytes = plan_.tensors[kSigns].bytes;
  return {};
}

Status SignConv::set_weights(const float* weights) {
  const int64_t taps = shape_.kernel.y * shape_.kernel.x * (shape_.in_channels / shape_.groups);
  const int64_t words = round_up(taps, 64) / 64;
  std::fill(weights_.begin(), weights_.end(), 0);
  for (int64_t filter = 0; filter < shape_.out_channels; ++filter) {
    pack_filter(weights + filter * taps, taps, weights_.data() + filter * words);
  }
  return plan_weights();
}

void SignConv::prepare(int parts) {
  const NodePlan& node = plan_.nodes[0];
  while (scratch_.size() < static_cast<size_t>(parts)) {
    scratch_.emplace_back(plan_.scratch);
    arenas_.emplace_back(static_cast<size_t>(storage_.bytes));
    dots_.emplace_back(static_cast<size_t>(node.pixels() * node.channels));
    sums_.emplace_back();
  }
}

const float* SignConv::run_image(const SignConvBatch& batch, int64_t image, int part) {
  const TensorLayout& layout = plan_.tensors[kSigns];
  const NodePlan& node = plan_.nodes[0];
  const auto own = static_cast<size_t>(part);
  const int64_t row_bytes = shape_.width * layout.pixel_bytes;
  const float* const shift =
      batch.shift == nullptr ? nullptr : batch.shift + image * shape_.in_channels;
  for (int64_t y = 0; y < shape_.height; ++y) {
    const int64_t row = image * shape_.height + y;
    uint8_t* const signs = batch.signs + row * row_bytes;
    pack_row(layout.bits, batch.x + row * shape_.width * shape_.in_channels, shift, batch.divisor,
             shape_.width, signs);
    std::memcpy(arenas_[own].data() + layout.at(y, 0), signs, static_cast<size_t>(row_bytes));
  }
  float* const dots = batch.dots == nullptr ? dots_[own].data()
                                            : batch.dots + image * node.pixels() * node.channels;
  Frame frame;
  frame.arena = arenas_[own].data();
  frame.storage = &storage_;
  frame.banded = kDots;
  frame.band = reinterpret_cast<uint8_t*>(dots);
  NodeRunner runner(plan_, node, frame, &scratch_[own]);
  runner.start();
  runner.run({0, node.pixels()}, {0, static_cast<int64_t>(node.chunks.size())});
  DotTerms terms = batch.terms;
  if (terms.offset != nullptr) {
    const int64_t image_bytes = shape_.height * row_bytes;
    terms.sums = sums_[own].of(
        batch.signs + image * image_bytes, shape_.in_channels, sign_bytes_,
        axis(shape_.height, shape_.kernel.y, shape_.stride.y, shape_.padding.y, shape_.dilation.y),
        axis(shape_.width, shape_.kernel.x, shape_.stride.x, shape_.padding.x, shape_.dilation.x));
  }
  if (terms.scale != nullptr || terms.offset != nullptr || terms.border != nullptr) {
    pointwise_table().finish_dots(terms, node.pixels(), node.channels, dots);
  }
  return dots;
}

}  // namespace sbnn
