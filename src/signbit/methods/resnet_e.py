"""Plain signs under a wider clip, for networks whose shortcuts and normalisations do the scaling.

Bethge, Yang, Bornstein, Meinel 2019, "Back to Simplicity: How to Train Accurate BNNs from Scratch?"
(BinaryResNetE, BinaryDenseNet), and after it MeliusNet and QuickNet.
"""

from __future__ import annotations

import math

from torch import nn

from signbit.errors import RecipeError
from signbit.methods.base import Method
from signbit.methods.initial import glorot_normal
from signbit.nn.binarizers import PlainSign, PlainSignActivation
from signbit.nn.estimators import Clip

__all__ = ["method"]


def method(clip: float = 1.3) -> Method:
    """Signs of weights and activations, no scales, no non-linearity.

    clip: gradients pass where the magnitude is at most this, and latent weights are clipped to it;
    1.3 in the paper, 1.25 in Larq Zoo's ResNet-E and QuickNet. Binary weights start Glorot-normal.
    Raises RecipeError for a clip that is no finite number above 0.
    """
    number = isinstance(clip, int | float) and not isinstance(clip, bool)
    if not number or not 0 < clip < math.inf:
        raise RecipeError(f"resnet-e: clip must be a number > 0, got {clip!r}")
    return Method(
        name="resnet-e",
        weight_binarizer=lambda channels: PlainSign(Clip(clip)),
        activation_binarizer=lambda channels: PlainSignActivation(Clip(clip)),
        nonlinearity=lambda channels: nn.Identity(),
        initialise=glorot_normal,
        latent_limit=clip,
        real_activation=nn.ReLU,
    )
