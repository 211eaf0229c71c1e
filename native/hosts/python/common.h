// What the Python modules share: statuses become exceptions, work runs without the GIL.
#pragma once

#include <nanobind/nanobind.h>
#include <unistd.h>

#include "signbit/status.h"

namespace nb = nanobind;

namespace bindings {

// A thread that comes back when the interpreter is shutting down is ended by Python, up to 3.13, by
// unwinding its stack, which aborts the process where it meets a destructor; it waits here for the
// end instead, as later Pythons have it do.
inline void take_gil(PyThreadState* state) {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    while (true) pause();
  }
}

// Lets other threads run Python while it lives.
class GilRelease {
 public:
  GilRelease() : state_(PyEval_SaveThread()) {}
  ~GilRelease() { take_gil(state_); }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

// Whether the handler of a signal has raised, as that of Ctrl-C does; for a thread that has
// released the GIL. Python runs handlers in its main thread alone.
inline bool signal_raised() {
  take_gil(PyGILState_GetThisThreadState());
  const bool raised = PyErr_CheckSignals() != 0;
  PyEval_SaveThread();
  return raised;
}

inline const char* exception_name(sbnn::Code code) {
  switch (code) {
    case sbnn::Code::kModelVersion:
      return "ModelVersionError";
    case sbnn::Code::kInput:
      return "InputError";
    case sbnn::Code::kIsa:
      return "IsaError";
    case sbnn::Code::kOk:
    case sbnn::Code::kModelFile:
    case sbnn::Code::kMemory:
    case sbnn::Code::kInterrupted:
      break;
  }
  return "ModelFileError";
}

inline void raise_if_failed(const sbnn::Status& status) {
  if (status.ok()) return;
  if (status.code() == sbnn::Code::kInterrupted) throw nb::python_error();  // see signal_raised
  const nb::object type =
      status.code() == sbnn::Code::kMemory
          ? nb::borrow(PyExc_MemoryError)
          : nb::module_::import_("signbit.errors").attr(exception_name(status.code()));
  // A message may name a path, which may be any bytes.
  const std::string& message = status.message();
  const nb::object text = nb::steal(PyUnicode_DecodeUTF8(
      message.data(), static_cast<Py_ssize_t>(message.size()), "backslashreplace"));
  if (text.is_valid()) PyErr_SetObject(type.ptr(), text.ptr());
  throw nb::python_error();
}

// Adds the reader of model files alone to a module.
void add_check_model(nb::module_& module);
// Adds the passes of training to a module.
void add_training(nb::module_& module);

}  // namespace bindings
