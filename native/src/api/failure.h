// How the C API reports what went wrong: a status, and a line of text for each thread.
#pragma once

#include <new>
#include <string>

#include "signbit.h"
#include "signbit/status.h"

namespace sbnn::api {

// The status in C's terms; the text of a failure is kept for signbit_error_text().
signbit_status finished(const Status& status) noexcept;

// The status of an argument that is wrong.
inline Status wrong(const std::string& message) { return {Code::kInput, message}; }

// The same in C's terms.
signbit_status refused(const std::string& message) noexcept;

// What `work` returns, a Status; memory that is not there is SIGNBIT_MEMORY.
template <typename Work>
signbit_status guarded(Work work) noexcept {
  try {
    return finished(work());
  } catch (const std::bad_alloc&) {
    return finished(Status(Code::kMemory, "not enough memory"));
  } catch (...) {
    return refused("the call failed for an unknown reason");
  }
}

}  // namespace sbnn::api
