"""What becomes a sign, and how: one module for weights, one for activations."""

from signbit.binarizers.activations import ASD, PlainSignActivation
from signbit.binarizers.weights import (
    WSD,
    AbsMeanScale,
    BinaryWeight,
    MeanAbsScale,
    PlainSign,
)

__all__ = [
    "ASD",
    "WSD",
    "AbsMeanScale",
    "BinaryWeight",
    "MeanAbsScale",
    "PlainSign",
    "PlainSignActivation",
]
