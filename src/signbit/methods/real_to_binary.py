"""Real-to-Binary: plain signs and PReLU; the scales are the network's gates.

Martinez, Yang, Bulat, Tzimiropoulos 2020, "Training Binary Neural Networks with Real-to-Binary
Convolutions". The gates are in `signbit.models.real_to_binary`; its stages are the recipe's.
"""

from __future__ import annotations

from torch import nn

from signbit.methods.base import Method
from signbit.methods.initial import glorot_normal
from signbit.nn.binarizers import PlainSign, PlainSignActivation
from signbit.nn.estimators import Clip

__all__ = ["method"]


def method() -> Method:
    """Signs of weights and activations under the clip estimator, no scales, PReLU.

    Latent weights start Glorot-normal and are clipped to [-1, 1] after every step.
    """
    return Method(
        name="real-to-binary",
        weight_binarizer=lambda channels: PlainSign(Clip()),
        activation_binarizer=lambda channels: PlainSignActivation(Clip()),
        nonlinearity=nn.PReLU,
        initialise=glorot_normal,
        latent_limit=1.0,
    )
