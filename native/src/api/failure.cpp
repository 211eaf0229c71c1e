#include "api/failure.h"

#include <algorithm>
#include <cstring>

namespace sbnn::api {
namespace {

constexpr size_t kRoom = 1024;

char* error_text() {
  static thread_local char line[kRoom] = "";
  return line;
}

// One line of whole UTF-8 characters.
void keep(const std::string& message) {
  size_t count = std::min(message.size(), kRoom - 1);
  while (count < message.size() && count > 0 && (message[count] & 0xC0) == 0x80) --count;
  std::memcpy(error_text(), message.data(), count);
  error_text()[count] = 0;
  std::replace_if(
      error_text(), error_text() + count,
      [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
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

const char* signbit_error_text(void) { return sbnn::api::error_text(); }
