// Dots finished in registers against dots that are stored and then finished by the epilogue of the
// scalar kernels: the same bits, and nothing beside them touched.

#include "check.h"
#include "cpu/dispatch.h"
#include "dot_case.h"

using sbnn::AlignedArray;
using sbnn::KernelTable;
using test::integer;

namespace {

constexpr int kChannels = 64;
constexpr int kPixelBytes = kChannels / 8;
constexpr size_t kMostPixels = 30;

struct Constants {
  AlignedArray<float> scale{kChannels}, shift{kChannels}, threshold{kChannels};
  AlignedArray<float> slope{kChannels}, positive_slope{kChannels}, offset{kChannels};
  AlignedArray<int32_t> integer_threshold{kChannels};
  AlignedArray<uint64_t> flip{1};

  Constants() {
    for (size_t c = 0; c < kChannels; ++c) {
      scale[c] = test::real() / 100.0f;
      shift[c] = test::real();
      slope[c] = test::real();
      positive_slope[c] = test::real();
      offset[c] = test::real();
      threshold[c] = integer(0, 3) == 0 ? 0.0f : test::real();
      integer_threshold[c] = integer(-500, 500);
    }
    flip[0] = test::random_bits();
  }
};

// What is written; reals begin as the shortcut, which may be where they go.
struct Written {
  std::vector<float> real;
  std::vector<uint8_t> signs = std::vector<uint8_t>(kMostPixels * kPixelBytes, 0);
};

struct Wish {
  bool integers_only, in_place, shortcut, real, signs;
  sbnn::Activation activation;
  int shortcut_channels;
};

void store_then_finish(const test::DotCase& drawn, const Constants& constants, const Wish& wish,
                       const std::vector<float>& shortcut, Written* written) {
  // The epilogue knows no first channel that is not a multiple of 64: dots of all channels.
  std::vector<int32_t> dots(kMostPixels * kChannels, 0);
  for (int p = 0; p < drawn.pixels; ++p) {
    for (int f = 0; f < drawn.filters; ++f) {
      dots[static_cast<size_t>(p * kChannels + drawn.first_filter + f)] = drawn.dot(p, f);
    }
  }
  uint8_t* const bits = written->signs.data();
  sbnn::EpilogueRun run{drawn.pixels, dots.data(), wish.shortcut ? shortcut.data() : nullptr,
                        wish.real ? written->real.data() : nullptr};
  sbnn::SignArgs sign{};
  sign.threshold = constants.threshold.data();
  sign.integer_threshold = wish.integers_only ? constants.integer_threshold.data() : nullptr;
  sign.flip = constants.flip.data();
  sign.pixels = &bits;
  sign.pixel_bytes = kPixelBytes;
  sbnn::EpilogueArgs args{};
  args.run_count = 1;
  args.runs = &run;
  args.value_step = args.real_step = args.channel_count = kChannels;
  args.shortcut_step = args.shortcut_channels = wish.shortcut_channels;
  args.shortcut_repeats = wish.shortcut_channels < kChannels;
  args.integer = true;
  args.wants_real = !wish.integers_only;
  args.scale = constants.scale.data();
  args.shift = constants.shift.data();
  args.activation = wish.activation;
  args.slope = constants.slope.data();
  if (wish.activation == sbnn::Activation::kMaxout) {
    args.positive_slope = constants.positive_slope.data();
    args.offset = constants.offset.data();
  }
  args.sign_count = wish.signs ? 1 : 0;
  args.signs = &sign;
  sbnn::kScalarKernels.epilogue(args);
}

void test_finish_dots(const KernelTable& kernels) {
  constexpr sbnn::Activation kActivations[] = {sbnn::Activation::kNone, sbnn::Activation::kHardtanh,
                                               sbnn::Activation::kPrelu, sbnn::Activation::kMaxout};
  const int filters = 16 * integer(1, 4);
  const test::DotCase drawn(kernels, filters, 16 * integer(0, (kChannels - filters) / 16));
  const Constants constants;
  Wish wish{};
  wish.integers_only = integer(0, 3) == 0;
  wish.in_place = integer(0, 1) == 1;
  wish.shortcut = !wish.integers_only && integer(0, 3) > 0;
  wish.real = !wish.integers_only && integer(0, 3) > 0;
  wish.signs = wish.integers_only || !wish.real || integer(0, 1) == 1;
  wish.activation = kActivations[integer(0, 3)];
  wish.shortcut_channels = kChannels;
  if (wish.activation == sbnn::Activation::kMaxout && integer(0, 1) == 1) {
    wish.shortcut_channels = 16 * integer(1, 3);
    wish.in_place = false;
  }
  std::vector<float> shortcut(kMostPixels * kChannels);
  for (float& value : shortcut) value = test::real();

  Written expected{shortcut}, actual{shortcut};
  store_then_finish(drawn, constants, wish, shortcut, &expected);

  std::vector<uint8_t*> signs;
  for (int p = 0; p < drawn.pixels; ++p) signs.push_back(actual.signs.data() + p * kPixelBytes);
  sbnn::FinishDotsArgs finish{};
  finish.scale = constants.scale.data();
  finish.shift = constants.shift.data();
  finish.activation = wish.activation;
  finish.slope = constants.slope.data();
  finish.positive_slope = constants.positive_slope.data();
  finish.offset = constants.offset.data();
  finish.shortcut_channels = wish.shortcut_channels;
  if (wish.shortcut) finish.shortcut = wish.in_place ? actual.real.data() : shortcut.data();
  finish.real = wish.real ? actual.real.data() : nullptr;
  finish.step = kChannels;
  finish.threshold = constants.threshold.data();
  finish.integer_threshold = wish.integers_only ? constants.integer_threshold.data() : nullptr;
  finish.flip = constants.flip.data();
  finish.signs = wish.signs ? signs.data() : nullptr;
  kernels.finish_dots(drawn.args(), finish);

  // Channels of other blocks are left as they were.
  const uint64_t own = (filters == 64 ? ~uint64_t{0} : (uint64_t{1} << filters) - 1)
                       << drawn.first_filter;
  for (int p = 0; p < static_cast<int>(kMostPixels); ++p) {
    uint64_t is, should;
    std::memcpy(&is, actual.signs.data() + p * kPixelBytes, sizeof is);
    std::memcpy(&should, expected.signs.data() + p * kPixelBytes, sizeof should);
    CHECK(is == (should & own));
    for (int c = 0; c < kChannels; ++c) {
      const auto at = static_cast<size_t>(p * kChannels + c);
      const bool is_own = (own >> c & 1) != 0;
      CHECK(actual.real[at] == (is_own ? expected.real[at] : shortcut[at]));
    }
  }
}

}  // namespace

int main() {
  int tested = 0;
  for (const KernelTable* kernels : sbnn::usable_kernels()) {
    if (kernels->finish_dots == nullptr) continue;
    ++tested;
    for (int i = 0; i < 400; ++i) test_finish_dots(*kernels);
  }
  std::printf("finish_dots: %d instruction sets\n", tested);
  return test::finish();
}
