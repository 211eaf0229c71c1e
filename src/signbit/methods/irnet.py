"""IR-Net: standardised weights, scales that are powers of two, estimators that sharpen.

Qin, Gong, Liu, Shen, Wei, Yu, Song 2020, "Forward and Backward Information Retention for Accurate
Binary Neural Networks".
"""

from __future__ import annotations

from torch import nn

from signbit.methods.base import Method
from signbit.methods.initial import INITIAL_WEIGHTS
from signbit.methods.parameters import pick, require_ede_range, require_flags
from signbit.nn.binarizers import Libra, PlainSignActivation
from signbit.nn.estimators import EDE

__all__ = ["method"]


def method(
    t_min: float = 1e-3,
    t_max: float = 1e1,
    initial_weights: str = "kaiming",
    stem_hardtanh: bool = True,
) -> Method:
    """IR-Net: Libra weights and plain signs, both under EDE, hardtanh.

    t_min, t_max: EDE's range (published: 1e-3 to 1e1; t_min 1e-1 for VGG-Small). initial_weights:
    "kaiming" (ResNet-20), "fan-out" (VGG-Small), "fan-out-convolutions" (ImageNet's ResNet-18) or
    "default" (PyTorch's own; CIFAR ResNet-18).
    stem_hardtanh: whether one follows the real first convolution; not so in the authors'
    ResNet-18. Raises RecipeError for a bad value.
    """
    require_ede_range("irnet", t_min, t_max)
    require_flags("irnet", {"stem_hardtanh": stem_hardtanh})
    return Method(
        name="irnet",
        weight_binarizer=lambda channels: Libra(EDE(t_min, t_max)),
        activation_binarizer=lambda channels: PlainSignActivation(EDE(t_min, t_max)),
        nonlinearity=lambda channels: nn.Hardtanh(),
        initialise=pick("irnet", "initial_weights", initial_weights, INITIAL_WEIGHTS),
        stem=None if stem_hardtanh else lambda channels: nn.Identity(),
        shortcuts=True,
    )
