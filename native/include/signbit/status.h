// How the core reports what went wrong: a code that maps to one exception of signbit.errors, and a
// message that says what, where, and what would be right. Nothing is printed and nothing aborts.
#pragma once

#include <string>
#include <utility>

namespace sbnn {

enum class Code {
  kOk,
  kModelFile,     // the file is missing, truncated, malformed or contradicts itself
  kModelVersion,  // the file has a newer format
  kInput,         // an array has the wrong shape, dtype or values
  kIsa,           // the instruction set is unknown, or the CPU or the OS lacks it
  kMemory,        // not enough memory
  kInterrupted,   // the host wanted the call to end
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same status with `where` in front of its message.
  Status within(const std::string& where) const {
    return ok() ? *this : Status(code_, where + ": " + message_);
  }

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

}  // namespace sbnn

#define SIGNBIT_TRY(expression)                                               \
  do {                                                                        \
    if (::sbnn::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)
