// Kernels for WebAssembly's SIMD128.
#include "kernels/wasm/vector.h"

namespace sbnn {
namespace {
#include "kernels/wasm/dots.inl.h"
//
#include "kernels/generic/dots/finish_dots.inl.h"
//
#include "kernels/generic/table.inl.h"
}  // namespace

const KernelTable kWasmKernels = make_table();

}  // namespace sbnn
