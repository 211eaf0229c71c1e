// What concerns the library or the process, not one model.
#include "api/failure.h"
#include "cpu/dispatch.h"
#include "cpu/memory.h"
#include "signbit/engine.h"

using sbnn::api::refused;

const char* signbit_version(void) { return SIGNBIT_VERSION; }

int32_t signbit_abi_version(void) { return SIGNBIT_ABI_VERSION; }
int32_t signbit_api_version(void) { return SIGNBIT_API_VERSION; }

size_t signbit_isa_count(void) { return sbnn::usable_kernels().size(); }

const char* signbit_isa(size_t index) {
  const auto kernels = sbnn::usable_kernels();
  return index < kernels.size() ? kernels[index]->isa : nullptr;
}

int32_t signbit_available_threads(void) { return sbnn::available_threads(); }

signbit_status signbit_set_allocator(const signbit_allocator* allocator) {
  sbnn::Allocator set;
  if (allocator != nullptr) {
    if (allocator->size < sizeof(signbit_allocator)) {
      return refused("allocator.size: must be sizeof(signbit_allocator)");
    }
    if (allocator->allocate == nullptr || allocator->release == nullptr) {
      return refused("allocator: both functions must be there");
    }
    set = {allocator->user, allocator->allocate, allocator->release};
  }
  return sbnn::set_allocator(set) ? SIGNBIT_OK
                                  : refused("allocator: must be set before a model is loaded");
}
