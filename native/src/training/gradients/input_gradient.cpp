// The gradient of a convolution's input, row by row of its kernels' register tiles.

#include <algorithm>
#include <cstring>

#include "training/gradients/gradient_kernels.h"
#include "training/gradients/input_plan.h"
#include "training/training.h"

namespace sbnn {
namespace {

constexpr int64_t kWeightBytes = 24 << 10;  // read again and again: most of a first-level cache

// A range's walk over groups of images. A group's gradient is copied to where columns of zeros
// surround it, which stay from group to group.
class InputWalk {
 public:
  InputWalk(const InputPlan& plan, const void* packed, float* result, void* work)
      : plan_(plan),
        conv_(plan.conv),
        packed_(static_cast<const uint8_t*>(packed)),
        result_(result),
        copies_(static_cast<uint8_t*>(work)) {
    std::memset(copies_, 0, static_cast<size_t>(plan.group * plan.image_bytes()));
  }

  void copy_images(const float* grad_out, int64_t first, int64_t images) {
    first_ = first;
    images_ = images;
    const int64_t row_values = conv_.out_width * conv_.out_channels;
    const float* row = grad_out + first * conv_.out_height * row_values;
    uint8_t* copy = copies_ + plan_.left * plan_.pixel_bytes;
    for (int64_t i = 0; i < images * conv_.out_height; ++i) {
      plan_.kernels.copy_pixels(row, conv_.out_width, conv_.out_channels, plan_.pixel_bytes, copy);
      row += row_values;
      copy += plan_.row_bytes;
    }
  }

  // By as many kernel rows, or as many units of one, as let the weights stay in a cache while all
  // rows of all images use them. Sums wait in the result.
  void add_run(const InputRun& run) {
    if (run.row.count == 0 || run.column.count == 0) return;
    const int64_t lanes = plan_.kernels.lanes;
    InputRowArgs args{};
    args.pixels = static_cast<int>(run.column.count);
    args.vectors = run.vectors;
    args.channels =
        static_cast<int>(std::min(run.vectors * lanes, conv_.in_channels - run.vector * lanes));
    args.taps = std::max(run.taps, 1);
    args.grad = copies_;
    args.weights = packed_;
    args.row_bytes = plan_.row_bytes;
    args.pixel_bytes = plan_.pixel_bytes;
    args.accumulate = run.tap > 0;
    args.result_step = conv_.stride_x * conv_.in_channels;
    if (run.taps == 0) {
      add_rows(run, 0, 0, 0, &args);
      return;
    }
    const int64_t unit_bytes = run.taps * run.vectors * plan_.vector_bytes();
    const int64_t row_bytes = unit_bytes * plan_.units;
    const int64_t rows = std::clamp<int64_t>(kWeightBytes / row_bytes, 1, run.row.taps);
    const int64_t chunks = (row_bytes + kWeightBytes - 1) / kWeightBytes;
    for (int64_t row = 0; row < run.row.taps; row += rows) {
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        const int64_t unit = plan_.units * chunk / chunks;
        args.units = plan_.units * (chunk + 1) / chunks - unit;
        args.weight_row_bytes = row_bytes;
        weights_ = packed_ + run.weights + unit * unit_bytes;
        add_rows(run, row, std::min(rows, run.row.taps - row), unit, &args);
        args.accumulate = true;
      }
    }
  }

 private:
  // Kernel rows [tap, tap + taps), which are `args.units` units from number `unit` on.
  void add_rows(const InputRun& run, int64_t tap, int64_t taps, int64_t unit, InputRowArgs* args) {
    const uint8_t* const copies =
        copies_ + 4 * unit + (plan_.left + run.column.start + run.tap) * plan_.pixel_bytes;
    for (int64_t image = 0; image < images_; ++image) {
      for (int64_t n = 0; n < run.row.count; ++n) {
        // Those of the rows that lie in the gradient.
        const int64_t row = run.row.start + n;
        const int64_t begin = std::max(tap, -row);
        const int64_t end = std::min(tap + taps, conv_.out_height - row);
        args->rows = static_cast<int>(std::max<int64_t>(end - begin, 0));
        if (args->rows == 0 && args->accumulate) continue;
        if (args->rows > 0) {
          args->grad = copies + (image * conv_.out_height + row + begin) * plan_.row_bytes;
          args->weights = weights_ + begin * args->weight_row_bytes;
        }
        const int64_t y = (first_ + image) * conv_.height + run.row.first + n * conv_.stride_y;
        args->result = result_ + (y * conv_.width + run.column.first) * conv_.in_channels +
                       run.vector * plan_.kernels.lanes;
        plan_.kernels.input_row(*args);
      }
    }
  }

  const InputPlan& plan_;
  const TrainingConv& conv_;
  const uint8_t* packed_;
  float* result_;
  uint8_t* copies_;
  int64_t first_ = 0, images_ = 0;
  const uint8_t* weights_ = nullptr;
};

}  // namespace

int64_t input_gradient_work_bytes(const GradientKernels& kernels, const TrainingConv& conv) {
  const InputPlan plan(kernels, conv);
  return plan.group * plan.image_bytes();
}

void input_gradient(const GradientKernels& kernels, const TrainingConv& conv, ImageRange range,
                    const float* grad_out, const void* packed, float* result, void* work) {
  const InputPlan plan(kernels, conv);
  InputWalk walk(plan, packed, result, work);
  for (int64_t image = range.begin; image < range.end; image += plan.group) {
    walk.copy_images(grad_out, image, std::min(plan.group, range.end - image));
    plan.for_each_run([&](const InputRun& run) { walk.add_run(run); });
  }
}

}  // namespace sbnn
