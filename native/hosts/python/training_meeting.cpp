// signbit.runtime._native.training: meetings of processes, in memory that they share.

#include <stdexcept>

#include "training/meeting.h"
#include "training_arrays.h"

namespace bindings {
namespace {

// places: int64 (processes, 16). Whether everybody has come; see sbnn::meet. Raises RuntimeError
// where the processes show different amounts.
bool meet(const Array<int64_t>& places, int rank, uint64_t round, uint64_t bytes, double seconds) {
  if (places.ndim() != 2 || places.shape(1) * sizeof(int64_t) != sizeof(sbnn::MeetingPlace) ||
      reinterpret_cast<uintptr_t>(places.data()) % alignof(sbnn::MeetingPlace) != 0) {
    throw nb::value_error("places are no aligned rows of 16");
  }
  const auto ranks = static_cast<int>(places.shape(0));
  if (rank < 0 || rank >= ranks) throw nb::value_error("rank is not one of the places");
  auto* const shared = reinterpret_cast<sbnn::MeetingPlace*>(places.data());
  sbnn::Meeting met;
  {
    const GilRelease release;
    met = sbnn::meet(shared, ranks, rank, round, bytes, seconds);
  }
  if (met == sbnn::Meeting::kDiffers) {
    throw std::runtime_error("processes exchange rows of different lengths");
  }
  return met == sbnn::Meeting::kMet;
}

}  // namespace

void add_training_meeting(nb::module_& module) {
  module.def("meet", meet, nb::arg("places"), nb::arg("rank"), nb::arg("round"), nb::arg("bytes"),
             nb::arg("seconds"));
}

}  // namespace bindings
