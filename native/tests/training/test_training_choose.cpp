// Which gradients run: every name, what a CPU lacks, and shapes that are refused.

#include <cstdlib>

#include "cpu/cpu_features.h"
#include "training_case.h"

using sbnn::Code;
using sbnn::GradientForm;
using sbnn::GradientKernels;

namespace {

void test_names() {
  unsetenv("SIGNBIT_ISA");
  const std::vector<const GradientKernels*> usable = sbnn::usable_gradients(GradientForm::kFloat32);
  CHECK(!usable.empty());
  CHECK(sbnn::gradient_isa(*usable.back()) == std::string("scalar"));
  const GradientKernels* chosen = nullptr;
  CHECK(sbnn::choose_gradients("", GradientForm::kFloat32, &chosen).ok());
  CHECK(chosen == usable.front());
  for (const GradientKernels* kernels : usable) {
    const char* const isa = sbnn::gradient_isa(*kernels);
    CHECK(sbnn::choose_gradients(isa, GradientForm::kFloat32, &chosen).ok() && chosen == kernels);
  }
  setenv("SIGNBIT_ISA", "scalar", 1);
  CHECK(sbnn::choose_gradients("", GradientForm::kFloat32, &chosen).ok());
  CHECK(chosen == usable.back());
  CHECK(sbnn::choose_gradients("", GradientForm::kBfloat16, &chosen).code() == Code::kIsa);
  unsetenv("SIGNBIT_ISA");
  const sbnn::Status unknown = sbnn::choose_gradients("sse9", GradientForm::kFloat32, &chosen);
  CHECK(unknown.code() == Code::kIsa);
  CHECK(unknown.message().find("'sse9'") != std::string::npos);
  CHECK(unknown.message().find("scalar") != std::string::npos);
}

void test_bfloat16() {
  const bool has = sbnn::detect_cpu_features().avx512bf16;
  const GradientKernels* chosen = nullptr;
  const sbnn::Status status = sbnn::choose_gradients("", GradientForm::kBfloat16, &chosen);
  CHECK(status.ok() == has);
  CHECK(sbnn::usable_gradients(GradientForm::kBfloat16).size() == (has ? 1u : 0u));
  if (has) {
    CHECK(sbnn::gradient_isa(*chosen) == std::string("avx512bf16"));
    CHECK(sbnn::choose_gradients("avx512bf16", GradientForm::kFloat32, &chosen).ok());
    CHECK(sbnn::gradient_isa(*chosen) == std::string("avx512bw"));
  } else {
    CHECK(status.code() == Code::kIsa);
  }
  CHECK(sbnn::choose_gradients("scalar", GradientForm::kBfloat16, &chosen).code() == Code::kIsa);
}

void refused(const sbnn::TrainingConv& conv, const char* field) {
  const sbnn::Status status = sbnn::check_training_conv(conv);
  CHECK(status.code() == Code::kInput);
  CHECK(status.message().find(field) == 0);
}

void test_shapes() {
  const sbnn::TrainingConv good = test::training_conv(2, 9, 20, 33, 3, 2, 1);
  CHECK(sbnn::check_training_conv(good).ok());
  sbnn::TrainingConv conv = good;
  conv.images = 0;
  CHECK(sbnn::check_training_conv(conv).ok());
  conv = good;
  conv.in_channels = 0;
  refused(conv, "in_channels");
  conv = good;
  conv.stride_x = 0;
  refused(conv, "stride_x");
  conv = good;
  conv.padding_y = -1;
  refused(conv, "padding_y");
  conv = good;
  ++conv.out_width;
  refused(conv, "out_width");
  conv = good;
  conv.kernel_y = 12;
  conv.out_height = 0;
  refused(conv, "out_height");
  conv = test::training_conv(int64_t{1} << 30, 16, 8, 1, 3, 1, 1);
  refused(conv, "input");
  conv = test::training_conv(int64_t{1} << 30, 16, 1, 8, 3, 1, 1);
  refused(conv, "output");
  conv = test::training_conv(1, 1, 65536, 65536, 17, 1, 8);
  refused(conv, "weights");
}

}  // namespace

int main() {
  test_names();
  test_bfloat16();
  test_shapes();
  return test::finish();
}
