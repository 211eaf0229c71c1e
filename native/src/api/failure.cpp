#include "api/failure.h"

#include <algorithm>

namespace sbnn::api {
namespace {

thread_local std::string text;
thread_local const char* shown = "";

// As one line.
void keep(const std::string& message) noexcept {
  try {
    text = message;
    std::replace_if(
        text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    shown = text.c_str();
  } catch (const std::bad_alloc&) {
    shown = "not enough memory to say what was wrong";
  }
}

signbit_status in_c(Code code) {
  switch (code) {
    case Code::kOk:
      return SIGNBIT_OK;
    case Code::kModelFile:
      return SIGNBIT_MODEL_FILE;
    case Code::kModelVersion:
      return SIGNBIT_MODEL_VERSION;
    case Code::kInput:
      return SIGNBIT_INPUT;
    case Code::kIsa:
      return SIGNBIT_ISA;
    case Code::kMemory:
      return SIGNBIT_MEMORY;
    case Code::kInterrupted:
      return SIGNBIT_CANCELLED;
  }
  return SIGNBIT_INPUT;
}

}  // namespace

signbit_status finished(const Status& status) noexcept {
  if (!status.ok()) keep(status.message());
  return in_c(status.code());
}

signbit_status refused(const std::string& message) noexcept {
  keep(message);
  return SIGNBIT_INPUT;
}

}  // namespace sbnn::api

const char* signbit_error_text(void) { return sbnn::api::shown; }
