"""SD-BNN: self-distribution of activations (ASD) and weights (WSD) instead of scaling factors.

Xue, Lu, Chang, Wei, Wei 2021, "Self-Distribution Binary Neural Networks". Values as published for
CIFAR-10; its ImageNet recipe has other estimators and is not built here.
"""

from __future__ import annotations

import math

from torch import nn

from signbit.binarizers import ASD, WSD
from signbit.errors import RecipeError
from signbit.estimators import EDE
from signbit.layers import BinaryConv2d, BinaryLinear
from signbit.methods.base import Method

__all__ = ["method"]


def method(
    reduction: int = 16,
    t_min: float = 1e-3,
    t_max: float = 1e1,
    initial_weights: str = "kaiming",
) -> Method:
    """SD-BNN for CIFAR-10: ASD and WSD under EDE, hardtanh.

    reduction: ASD's, >= 1. t_min, t_max: EDE's range. initial_weights: "kaiming" (normal, fan in,
    every convolution and linear layer) or "fan-out" (published for VGG-Small: convolutions
    N(0, sqrt(2 / (k^2 out))), linear layers N(0, 0.01)). Both include ASD's layers.
    Raises RecipeError for a bad value.
    """
    if type(reduction) is not int or reduction < 1:
        raise RecipeError(f"sdbnn: reduction must be an integer >= 1, got {reduction!r}")
    for name, value in (("t_min", t_min), ("t_max", t_max)):
        if not isinstance(value, int | float) or not 0 < value < math.inf:
            raise RecipeError(f"sdbnn: {name} must be a number > 0, got {value!r}")
    if t_min > t_max:
        raise RecipeError(f"sdbnn: t_min must not exceed t_max, got {t_min} and {t_max}")
    if initial_weights not in _initialisers:
        raise RecipeError(
            f"sdbnn: unknown initial_weights {initial_weights!r}; "
            f"choose one of {', '.join(_initialisers)}"
        )
    return Method(
        name="sdbnn",
        weight_binarizer=lambda channels: WSD(channels, EDE(t_min, t_max)),
        activation_binarizer=lambda channels: ASD(channels, reduction, EDE(t_min, t_max)),
        nonlinearity=lambda channels: nn.Hardtanh(),
        initialise=_initialisers[initial_weights],
    )


def _kaiming(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear | BinaryConv2d | BinaryLinear):
            nn.init.kaiming_normal_(module.weight)


def _fan_out(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.Conv2d | BinaryConv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
        elif isinstance(module, nn.Linear | BinaryLinear):
            nn.init.normal_(module.weight, std=0.01)


_initialisers = {"kaiming": _kaiming, "fan-out": _fan_out}
