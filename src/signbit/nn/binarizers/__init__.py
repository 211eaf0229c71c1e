"""What becomes a sign, and how: modules for weights and for activations."""

from signbit.nn.binarizers.activations import (
    ASD,
    AdaptiveActivation,
    BinaryActivation,
    MeanAbsMap,
    PlainSignActivation,
    RealActivation,
    RSign,
)
from signbit.nn.binarizers.distributions import WSD, AdaptiveWeight, Libra, ScaledWSD
from signbit.nn.binarizers.levels import MultiBitActivation
from signbit.nn.binarizers.scales import AbsMeanScale, MeanAbsScale, ReleasedXnorScale, XnorScale
from signbit.nn.binarizers.weights import BinaryWeight, PlainSign, RealWeight

__all__ = [
    "ASD",
    "WSD",
    "AbsMeanScale",
    "AdaptiveActivation",
    "AdaptiveWeight",
    "BinaryActivation",
    "BinaryWeight",
    "Libra",
    "MeanAbsMap",
    "MeanAbsScale",
    "MultiBitActivation",
    "PlainSign",
    "PlainSignActivation",
    "RSign",
    "RealActivation",
    "RealWeight",
    "ReleasedXnorScale",
    "ScaledWSD",
    "XnorScale",
]
