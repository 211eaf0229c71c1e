"""BNN: plain signs, clip estimator, clipped latent weights.

Courbariaux, Hubara, Soudry, El-Yaniv, Bengio 2016, "Binarized Neural Networks: Training Neural
Networks with Weights and Activations Constrained to +1 or -1".
"""

from __future__ import annotations

from torch import nn

from signbit.methods.base import Method
from signbit.nn.binarizers import PlainSign, PlainSignActivation
from signbit.nn.estimators import Clip
from signbit.nn.layers import BinaryConv2d, BinaryLinear

__all__ = ["method"]


def method() -> Method:
    """BNN: block conv -> (pool) -> BN -> hardtanh, signs of weights and activations, no scales.

    Latent weights start Glorot-uniform and are clipped to [-1, 1] after every step.
    """
    return Method(
        name="bnn",
        weight_binarizer=lambda channels: PlainSign(Clip()),
        activation_binarizer=lambda channels: PlainSignActivation(Clip()),
        nonlinearity=lambda channels: nn.Hardtanh(),
        initialise=_initialise,
        latent_limit=1.0,
    )


def _initialise(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, BinaryConv2d | BinaryLinear):
            nn.init.xavier_uniform_(module.weight)
