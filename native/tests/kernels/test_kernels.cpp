// Pools and epilogues of every instruction set that can run here against plain loops and scalar
// code, exactly: odd tails, partial words.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "check.h"
#include "cpu/dispatch.h"
#include "cpu/memory.h"
#include "draws.h"
#include "kernels/kernels.h"

using sbnn::AlignedArray;
using sbnn::KernelTable;
using test::integer;
using test::random_bits;
using test::real;

namespace {

// Pools of windows side by side, which may share columns.
struct PoolCase {
  PoolCase() : input(static_cast<size_t>(kRows * width() * channels) + 32) {
    args.first = input.data();
    args.rows = integer(1, kRows);
    args.columns = columns;
    args.row_step = width() * channels;
    args.column_step = channels;
    args.windows = windows;
    args.window_step = stride * channels;
    args.result_step = 144;
    args.channels = channels;
    args.divisor = static_cast<float>(args.rows * args.columns);
  }

  int64_t width() const { return (windows - 1) * stride + columns; }

  std::vector<float> run(void (*kernel)(const sbnn::PoolArgs&)) const {
    std::vector<float> result(static_cast<size_t>(windows * 144));
    sbnn::PoolArgs filled = args;
    filled.result = result.data();
    kernel(filled);
    return result;
  }

  // Calls each(window, channel, taps), taps in order.
  template <typename T, typename Function>
  void for_each_result(Function each) const {
    for (int64_t window = 0; window < windows; ++window) {
      for (int64_t c = 0; c < channels; ++c) {
        std::vector<T> taps;
        for (int64_t i = 0; i < args.rows * columns; ++i) {
          const int64_t column = window * stride + i % columns;
          const int64_t at = i / columns * args.row_step + column * channels + c;
          T tap;
          std::memcpy(&tap, &input[static_cast<size_t>(at)], sizeof tap);
          taps.push_back(tap);
        }
        each(static_cast<size_t>(window * 144 + c), c, taps);
      }
    }
  }

  static constexpr int64_t kRows = 5;
  int64_t columns = integer(1, 5), stride = integer(1, 4), windows = integer(1, 7);
  int64_t channels = integer(1, 140);
  std::vector<float> input;
  sbnn::PoolArgs args{};
};

void test_pools(const KernelTable& kernels) {
  PoolCase pools;
  for (float& x : pools.input) x = real();
  const std::vector<float> average = pools.run(kernels.avg_pool);
  pools.for_each_result<float>([&](size_t at, int64_t, const std::vector<float>& taps) {
    float sum = 0.0f;
    for (const float tap : taps) sum += tap;
    CHECK(average[at] == sum / pools.args.divisor);
  });
}

void test_row_sums(const KernelTable& kernels) {
  const int rows = integer(1, 19), columns = integer(1, 5), channels = integer(1, 40);
  constexpr int64_t kSumsStep = 64;
  std::vector<float> input(static_cast<size_t>(rows * columns * channels) + 32);
  for (float& x : input) x = real();
  std::vector<float> sums(static_cast<size_t>(rows * kSumsStep));
  kernels.row_sums({input.data(), rows, columns, columns * channels, channels, channels,
                    sums.data(), kSumsStep});
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t c = 0; c < channels; ++c) {
      float sum = 0.0f;
      for (int64_t x = 0; x < columns; ++x) {
        sum += input[static_cast<size_t>((row * columns + x) * channels + c)];
      }
      CHECK(sums[static_cast<size_t>(row * kSumsStep + c)] == sum);
    }
  }
}

uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Of zeros the first one, and NaN only where it is the first tap.
void test_max_pool(const KernelTable& kernels) {
  PoolCase pools;
  const float special[] = {0.0f, -0.0f, std::nanf(""), INFINITY, -INFINITY, -1.0f};
  for (float& x : pools.input) x = integer(0, 3) == 0 ? real() : special[integer(0, 5)];
  AlignedArray<uint32_t> order(static_cast<size_t>(pools.channels));
  for (size_t c = 0; c < order.size(); ++c) order[c] = integer(0, 1) == 0 ? 0 : 0x80000000u;
  for (const bool turned : {false, true}) {
    pools.args.order = turned ? order.data() : nullptr;
    const std::vector<float> best = pools.run(kernels.max_pool);
    pools.for_each_result<float>([&](size_t at, int64_t c, const std::vector<float>& taps) {
      const bool smallest = turned && order[static_cast<size_t>(c)] != 0;
      float wanted = taps[0];
      for (const float tap : taps) {
        if (smallest ? tap < wanted : tap > wanted) wanted = tap;
      }
      CHECK(bits_of(best[at]) == bits_of(wanted));
    });
  }
}

void test_max_sums(const KernelTable& kernels) {
  PoolCase pools;
  for (float& x : pools.input) {
    const int32_t extremes[] = {INT32_MIN, INT32_MAX, -1, 0};
    const int32_t value =
        integer(0, 3) == 0 ? extremes[integer(0, 3)] : static_cast<int32_t>(random_bits());
    std::memcpy(&x, &value, sizeof x);
  }
  AlignedArray<uint32_t> order(static_cast<size_t>(pools.channels));
  for (size_t c = 0; c < order.size(); ++c) order[c] = integer(0, 1) == 0 ? 0 : 0xffffffffu;
  for (const bool turned : {false, true}) {
    pools.args.order = turned ? order.data() : nullptr;
    const std::vector<float> best = pools.run(kernels.max_sums);
    pools.for_each_result<int32_t>([&](size_t at, int64_t c, const std::vector<int32_t>& taps) {
      const bool smallest = turned && order[static_cast<size_t>(c)] != 0;
      const int32_t wanted = smallest ? *std::min_element(taps.begin(), taps.end())
                                      : *std::max_element(taps.begin(), taps.end());
      CHECK(bits_of(best[at]) == static_cast<uint32_t>(wanted));
    });
  }
}

void test_max_dots(const KernelTable& kernels) {
  const int count = integer(1, 6), channels = integer(1, 64);
  std::vector<int32_t> rows(static_cast<size_t>(count * 64) + 32), result(80);
  for (int32_t& x : rows) x = integer(-100, 100);
  for (int32_t& x : result) x = integer(-100, 100);
  const std::vector<int32_t> before = result;
  const bool fold = integer(0, 1) == 1;
  kernels.max_dots({rows.data(), count, 64, channels, fold, result.data()});
  for (int c = 0; c < channels; ++c) {
    int32_t best = fold ? before[static_cast<size_t>(c)] : INT32_MIN;
    for (int r = 0; r < count; ++r) best = std::max(best, rows[static_cast<size_t>(r * 64 + c)]);
    CHECK(result[static_cast<size_t>(c)] == best);
  }
}

void test_mean_abs(const KernelTable& kernels) {
  const int pixels = integer(1, 30), channels = integer(1, 40);
  std::vector<float> input(static_cast<size_t>(pixels * channels)), result(30 * 16, 9.0f);
  for (float& value : input) value = real();
  kernels.mean_abs(
      {input.data(), pixels, channels, static_cast<float>(channels), result.data(), 16});
  for (int p = 0; p < 30; ++p) {
    float sum = 0;
    for (int c = 0; c < channels && p < pixels; ++c) {
      sum += std::fabs(input[static_cast<size_t>(p * channels + c)]);
    }
    const float expected = p < pixels ? sum / static_cast<float>(channels) : 9.0f;
    CHECK(result[static_cast<size_t>(16 * p)] == expected);
  }
}

// Everything an epilogue writes, for the same arguments on two tables. Pixels are in two runs.
struct EpilogueRuns {
  std::vector<float> real = std::vector<float>(kPixels * 200, 9.0f);
  std::vector<uint8_t> bits = std::vector<uint8_t>(2 * kPixels * 64, 0xaa);

  static constexpr int kPixels = 13;

  EpilogueRuns(const KernelTable& kernels, sbnn::EpilogueArgs args,
               std::vector<sbnn::SignArgs> signs, const int32_t* values, const float* shortcut) {
    const int64_t first = kPixels / 3;
    sbnn::EpilogueRun runs[2];
    std::vector<uint8_t*> sign_runs[2];
    for (int r = 0; r < 2; ++r) {
      const int64_t pixel = r == 0 ? 0 : first;
      runs[r].pixels = r == 0 ? first : kPixels - first;
      runs[r].values = values + pixel * args.value_step;
      runs[r].shortcut = shortcut == nullptr ? nullptr : shortcut + pixel * args.shortcut_step;
      runs[r].real = args.wants_real ? real.data() + pixel * args.real_step : nullptr;
      for (size_t s = 0; s < signs.size(); ++s) {
        sign_runs[s].push_back(bits.data() + static_cast<int64_t>(s) * kPixels * 64 +
                               pixel * signs[s].pixel_bytes);
      }
    }
    for (size_t s = 0; s < signs.size(); ++s) signs[s].pixels = sign_runs[s].data();
    args.run_count = 2;
    args.runs = runs;
    args.signs = signs.data();
    kernels.epilogue(args);
  }
};

void test_epilogue(const KernelTable& kernels) {
  constexpr int kPixels = EpilogueRuns::kPixels;
  const int whole[] = {16, 32, 64, 128};
  const int channels = integer(0, 1) == 1 ? whole[integer(0, 3)] : integer(1, 200);
  AlignedArray<float> scale(200), shift(200), slope(200), threshold(200), shortcut(kPixels * 200);
  AlignedArray<float> positive_slope(200), offset(200);
  AlignedArray<int32_t> integers(200), dots(kPixels * 208);
  AlignedArray<uint64_t> flip(4);
  for (size_t c = 0; c < 200; ++c) {
    scale[c] = real();
    shift[c] = real();
    slope[c] = real();
    positive_slope[c] = real();
    offset[c] = real();
    threshold[c] = integer(0, 3) == 0 ? 0.0f : real();
    integers[c] = integer(-50, 50);
  }
  for (size_t i = 0; i < flip.size(); ++i) flip[i] = random_bits();
  for (size_t i = 0; i < shortcut.size(); ++i) shortcut[i] = real();
  sbnn::EpilogueArgs args{};
  args.integer = integer(0, 1) == 1;
  for (size_t i = 0; i < dots.size(); ++i) {
    dots[i] = integer(-60, 60);
    const float value = real() * 20.0f;
    if (!args.integer) std::memcpy(&dots[i], &value, sizeof value);
  }
  args.value_step = 208;
  args.real_step = channels;
  args.shortcut_channels = integer(0, 1) == 1 ? channels : integer(1, 200);
  args.shortcut_step = integer(0, 1) * 200;
  args.channel_count = channels;
  args.activation = static_cast<sbnn::Activation>(integer(0, 5));
  args.slope = slope.data();
  args.positive_slope = positive_slope.data();
  if (integer(0, 1) == 1) args.offset = offset.data();
  if (integer(0, 3) > 0) {
    args.scale = scale.data();
    args.shift = shift.data();
  }
  const bool has_shortcut = integer(0, 1) == 1;
  args.shortcut_offset = integer(0, 1) * integer(0, channels + 20);
  args.shortcut_repeats = args.shortcut_offset == 0 && integer(0, 1) == 1;
  args.sign_count = integer(0, 2);
  std::vector<sbnn::SignArgs> signs(static_cast<size_t>(args.sign_count));
  args.wants_real = args.sign_count == 0 || integer(0, 1) == 1;
  for (sbnn::SignArgs& sign : signs) {
    sign.flip = flip.data();
    sign.pixel_bytes = channels <= 8    ? 1
                       : channels <= 16 ? 2
                       : channels <= 32 ? 4
                                        : (channels + 63) / 64 * 8;
    if (args.integer && integer(0, 1) == 1) {
      sign.integer_threshold = integers.data();
    } else {
      sign.threshold = threshold.data();
      args.wants_real = true;
    }
    if (channels % 3 == 0 && channels <= 90 && integer(0, 1) == 1) {
      sign.group_channels = channels / 3;
      sign.group_bytes = 8;
      sign.pixel_bytes = 24;
    }
  }
  const float* const added = has_shortcut ? shortcut.data() : nullptr;
  const EpilogueRuns expected(sbnn::kScalarKernels, args, signs, dots.data(), added);
  const EpilogueRuns actual(kernels, args, signs, dots.data(), added);
  CHECK(std::memcmp(expected.real.data(), actual.real.data(), 4 * expected.real.size()) == 0);
  CHECK(expected.bits == actual.bits);
}

}  // namespace

int main() {
  for (const KernelTable* kernels : sbnn::usable_kernels()) {
    for (int i = 0; i < 150; ++i) {
      test_pools(*kernels);
      test_row_sums(*kernels);
      test_mean_abs(*kernels);
      test_max_pool(*kernels);
      test_max_sums(*kernels);
      test_max_dots(*kernels);
    }
    for (int i = 0; i < 1000; ++i) test_epilogue(*kernels);
  }
  return test::finish();
}
