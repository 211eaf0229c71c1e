// The gradient of a convolution's weights, by blocks of output rows.
//
// A block's gradient is copied tile by tile of filters, and its input's signs are expanded one
// vector of channels at a time, so that both stay in a cache while all taps and filters use them.
// The sums of a register tile run over the whole block.

#include <algorithm>

#include "plan/layouts/bits_layout.h"
#include "training/gradients/gradient_kernels.h"
#include "training/gradients/work_space.h"
#include "training/training.h"

namespace sbnn {
namespace {

constexpr int64_t kBlockSteps = 256;  // long enough for sums to be loaded and stored in no time

// Where everything lies. A block is a number of rows of one image, or a number of whole images.
struct WeightPlan {
  const GradientKernels& kernels;
  const TrainingConv& conv;
  int64_t steps;         // of a row: pixels, or pairs of pixels
  int64_t columns;       // of expanded signs
  int64_t rows, images;  // of a block
  int64_t sign_rows;     // of a block's image
  int64_t vectors, slice_vectors;
  int64_t pixel_bytes;  // of bits

  WeightPlan(const GradientKernels& k, const TrainingConv& c) : kernels(k), conv(c) {
    steps = (conv.out_width + kernels.unit_values - 1) / kernels.unit_values;
    columns = (steps - 1) * kernels.unit_values * conv.stride_x + conv.kernel_x;
    rows = std::clamp<int64_t>(kBlockSteps / steps, 1, conv.out_height);
    images = rows < conv.out_height ? 1 : kBlockSteps / (rows * steps);
    images = std::clamp<int64_t>(images, 1, std::max<int64_t>(conv.images, 1));
    sign_rows = std::min(conv.height, (rows - 1) * conv.stride_y + conv.kernel_y);
    vectors = (conv.in_channels + kernels.lanes - 1) / kernels.lanes;
    // A kernel of one column fills its register tiles with several vectors, in equal parts.
    const int64_t slices = (vectors + kMaxColumns - 1) / kMaxColumns;
    slice_vectors = conv.kernel_x == 1 ? (vectors + slices - 1) / slices : 1;
    pixel_bytes = BitsLayout(conv.in_channels, 1).pixel_bytes;
  }

  int64_t vector_bytes() const { return int64_t{4} * kernels.lanes; }
  int64_t grad_row_bytes() const { return steps * kernels.filter_tile * 4; }
  int64_t grad_tile_bytes() const { return images * rows * grad_row_bytes(); }
  int64_t filter_tiles() const {
    return (conv.out_channels + kernels.filter_tile - 1) / kernels.filter_tile;
  }
  int64_t sign_row_bytes() const { return columns * vector_bytes(); }
  int64_t slice_bytes() const { return images * sign_rows * sign_row_bytes(); }
};

// One range's walk over its blocks.
class WeightWalk {
 public:
  WeightWalk(const WeightPlan& plan, WorkSpace& work) : plan_(plan), conv_(plan.conv) {
    grad_ = work.take<uint8_t>(plan.filter_tiles() * plan.grad_tile_bytes());
    signs_ = work.take<uint8_t>(plan.slice_vectors * plan.slice_bytes());
    grad_rows_ = work.take<int64_t>(plan.images * plan.rows);
    sign_rows_ = work.take<int64_t>(plan.images * plan.rows);
  }

  // Rows [row, row_end) of `images` images from number `image` on.
  void add_block(int64_t image, int64_t images, int64_t row, int64_t row_end, const float* grad_out,
                 const uint8_t* bits, float* result) {
    image_ = image;
    images_ = images;
    row_ = row;
    row_end_ = row_end;
    first_sign_row_ = std::max<int64_t>(row * conv_.stride_y - conv_.padding_y, 0);
    sign_row_end_ =
        std::min(conv_.height, (row_end - 1) * conv_.stride_y - conv_.padding_y + conv_.kernel_y);
    copy_grad(grad_out);
    for (int64_t vector = 0; vector < plan_.vectors; vector += plan_.slice_vectors) {
      const int64_t count = std::min(plan_.slice_vectors, plan_.vectors - vector);
      for (int64_t v = 0; v < count; ++v) expand(bits, vector + v, v);
      for (int64_t y = 0; y < conv_.kernel_y; ++y) add_kernel_row(y, vector, count, result);
    }
  }

 private:
  void copy_grad(const float* grad_out) {
    const int64_t row_values = conv_.out_width * conv_.out_channels;
    uint8_t* copy = grad_;
    for (int64_t i = image_; i < image_ + images_; ++i) {
      for (int64_t y = row_; y < row_end_; ++y, copy += plan_.grad_row_bytes()) {
        plan_.kernels.copy_filters(grad_out + (i * conv_.out_height + y) * row_values,
                                   conv_.out_width, conv_.out_channels, plan_.grad_tile_bytes(),
                                   copy);
      }
    }
  }

  // The block's input rows of one vector of channels.
  void expand(const uint8_t* bits, int64_t vector, int64_t slice) {
    SignRowArgs args{};
    args.pixel_bytes = plan_.pixel_bytes;
    args.width = conv_.width;
    args.first = -conv_.padding_x;
    args.count = plan_.columns;
    args.pair_distance = conv_.stride_x;
    for (int64_t i = 0; i < images_; ++i) {
      for (int64_t y = first_sign_row_; y < sign_row_end_; ++y) {
        const int64_t pixel = ((image_ + i) * conv_.height + y) * conv_.width;
        args.bits = bits + pixel * plan_.pixel_bytes + vector * plan_.kernels.lanes / 8;
        args.target = signs_ + slice * plan_.slice_bytes() + sign_row_offset(i, y);
        plan_.kernels.expand_signs(args);
      }
    }
  }

  int64_t sign_row_offset(int64_t image, int64_t y) const {
    return (image * plan_.sign_rows + y - first_sign_row_) * plan_.sign_row_bytes();
  }

  // Taps of one kernel row that lie in the image, vectors [vector, vector + count).
  void add_kernel_row(int64_t kernel_row, int64_t vector, int64_t count, float* result) {
    int64_t rows = 0;
    for (int64_t i = 0; i < images_; ++i) {
      for (int64_t y = row_; y < row_end_; ++y) {
        const int64_t input = y * conv_.stride_y - conv_.padding_y + kernel_row;
        if (input < 0 || input >= conv_.height) continue;
        grad_rows_[rows] = (i * (row_end_ - row_) + y - row_) * plan_.grad_row_bytes();
        sign_rows_[rows++] = sign_row_offset(i, input);
      }
    }
    const int64_t columns = conv_.kernel_x * count;
    const int64_t runs = (columns + kMaxColumns - 1) / kMaxColumns;
    for (int64_t run = 0; run < runs; ++run) {
      add_columns(kernel_row, vector, columns * run / runs, columns * (run + 1) / runs, rows,
                  result);
    }
  }

  // Columns are the taps of vector 0, then those of the next.
  void add_columns(int64_t kernel_row, int64_t vector, int64_t begin, int64_t end, int64_t rows,
                   float* result) {
    const int64_t lanes = plan_.kernels.lanes, tile = plan_.kernels.filter_tile;
    const uint8_t* signs[kMaxColumns];
    float* results[kMaxColumns];
    int channels[kMaxColumns];
    for (int64_t column = begin; column < end; ++column) {
      const int64_t v = column / conv_.kernel_x, x = column % conv_.kernel_x;
      const int64_t channel = (vector + v) * lanes;
      signs[column - begin] = signs_ + v * plan_.slice_bytes() + x * plan_.vector_bytes();
      results[column - begin] =
          result + (kernel_row * conv_.kernel_x + x) * conv_.in_channels + channel;
      channels[column - begin] = static_cast<int>(std::min(lanes, conv_.in_channels - channel));
    }
    WeightTileArgs args{};
    args.columns = static_cast<int>(end - begin);
    args.rows = rows;
    args.grad_rows = grad_rows_;
    args.sign_rows = sign_rows_;
    args.steps = plan_.steps;
    args.grad = grad_;
    args.signs = signs;
    args.sign_step = plan_.kernels.unit_values * conv_.stride_x * plan_.vector_bytes();
    args.result = results;
    args.channels = channels;
    args.filter_step = conv_.kernel_y * conv_.kernel_x * conv_.in_channels;
    for (int64_t filter = 0; filter < conv_.out_channels; filter += tile) {
      args.filters = static_cast<int>(std::min(tile, conv_.out_channels - filter));
      plan_.kernels.weight_tile(args);
      args.grad += plan_.grad_tile_bytes();
      for (int64_t column = 0; column < end - begin; ++column) {
        results[column] += tile * args.filter_step;
      }
    }
  }

  const WeightPlan& plan_;
  const TrainingConv& conv_;
  uint8_t* grad_;
  uint8_t* signs_;
  int64_t* grad_rows_;
  int64_t* sign_rows_;
  int64_t image_ = 0, images_ = 0, row_ = 0, row_end_ = 0;
  int64_t first_sign_row_ = 0, sign_row_end_ = 0;
};

}  // namespace

int64_t weight_gradient_work_bytes(const GradientKernels& kernels, const TrainingConv& conv) {
  const WeightPlan plan(kernels, conv);
  WorkSpace work(nullptr);
  WeightWalk(plan, work);
  return work.bytes();
}

void weight_gradient(const GradientKernels& kernels, const TrainingConv& conv, ImageRange range,
                     const float* grad_out, const uint8_t* signs, float* result, void* memory) {
  const WeightPlan plan(kernels, conv);
  WorkSpace work(memory);
  WeightWalk walk(plan, work);
  for (int64_t image = range.begin; image < range.end; image += plan.images) {
    const int64_t images = std::min(plan.images, range.end - image);
    for (int64_t row = 0; row < conv.out_height; row += plan.rows) {
      const int64_t row_end = std::min(row + plan.rows, conv.out_height);
      walk.add_block(image, images, row, row_end, grad_out, signs, result);
    }
  }
}

}  // namespace sbnn
