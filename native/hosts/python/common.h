// What the Python modules share: statuses become exceptions, work runs without the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "api/failure.h"
#include "signbit.h"

namespace nb = nanobind;

namespace bindings {

// A thread that comes back when the interpreter is shutting down is ended by Python, up to 3.13, by
// unwinding its stack, which aborts the process where it meets a destructor; it waits here for the
// end instead, as later Pythons have it do.
inline void take_gil(PyThreadState* state) {
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    while (true) std::this_thread::sleep_for(std::chrono::hours(1));
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

inline nb::object exception_of(signbit_status status) {
  const char* name = "ModelFileError";
  if (status == SIGNBIT_MEMORY) return nb::borrow(PyExc_MemoryError);
  if (status == SIGNBIT_MODEL_VERSION) name = "ModelVersionError";
  if (status == SIGNBIT_INPUT) name = "InputError";
  if (status == SIGNBIT_ISA) name = "IsaError";
  return nb::module_::import_("signbit.errors").attr(name);
}

// Of a call that has just come back in this thread.
inline void raise_if_failed(signbit_status status) {
  if (status == SIGNBIT_OK) return;
  if (status == SIGNBIT_CANCELLED) throw nb::python_error();  // a signal's handler has raised
  const nb::object type = exception_of(status);
  // A message may name a path, which may be any bytes.
  const char* const message = signbit_error_text();
  const nb::object text = nb::steal(PyUnicode_DecodeUTF8(
      message, static_cast<Py_ssize_t>(std::strlen(message)), "backslashreplace"));
  if (text.is_valid()) PyErr_SetObject(type.ptr(), text.ptr());
  throw nb::python_error();
}

inline void raise_if_failed(const sbnn::Status& status) {
  raise_if_failed(sbnn::api::finished(status));
}

// Adds the passes of training to a module.
void add_training(nb::module_& module);

}  // namespace bindings
