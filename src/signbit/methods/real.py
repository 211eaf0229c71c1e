"""No binarization at all: the baseline that every method is compared with, and teachers.

He et al. 2016, "Deep Residual Learning for Image Recognition", for the residual networks.
"""

from __future__ import annotations

from torch import nn

from signbit.methods.base import Method
from signbit.methods.idle import Idle
from signbit.nn.binarizers import RealActivation, RealWeight

__all__ = ["IDLE", "method"]

IDLE = (Idle("binarize"),)


def method() -> Method:
    """Real weights, real activations, ReLU; initial weights are the layers' own.

    The only method of the real-valued networks; in another network its layers compute what
    nn.Conv2d and nn.Linear do.
    """
    return Method(
        name="real",
        weight_binarizer=lambda channels: RealWeight(),
        activation_binarizer=lambda channels: RealActivation(),
        nonlinearity=lambda channels: nn.ReLU(),
        initialise=lambda model: None,
    )
