// Binary dots that are stored, for instruction sets where an epilogue in registers gains nothing:
// it has as many instructions, and these sets spend most of their time counting.
#include "kernels/generic/activation.inl.h"
#include "kernels/generic/dots/binary_dot.inl.h"

constexpr decltype(KernelTable::finish_dots) kFinishDots = nullptr;
