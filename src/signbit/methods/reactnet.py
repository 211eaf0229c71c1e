"""ReActNet: learnable thresholds before signs, learnable corners of the non-linearity.

Liu, Shen, Savvides, Cheng 2020, "ReActNet: Towards Precise Binary Neural Network with Generalized
Activation Functions". Its network is the architecture's; its two stages (activations first, then
both) and its teacher are the recipe's.
"""

from __future__ import annotations

from torch import nn

from signbit.methods.base import Method
from signbit.methods.initial import small_positive
from signbit.nn.binarizers import MeanAbsScale, RSign
from signbit.nn.estimators import Clip, Polynomial
from signbit.nn.nonlinearities import RPReLU

__all__ = ["method"]


def method() -> Method:
    """ReActNet: RSign under the polynomial estimator, mean(abs(w)) * sign(w) under clip, RPReLU.

    The real first convolution has no non-linearity. Latent weights start uniform in (0, 0.001), all
    positive, as in the authors' code; real weights keep PyTorch's, those of a first stage that
    binarizes activations alone as well.
    """
    return Method(
        name="reactnet",
        weight_binarizer=lambda channels: MeanAbsScale(Clip()),
        activation_binarizer=lambda channels: RSign(channels, Polynomial()),
        nonlinearity=RPReLU,
        initialise=small_positive,
        stem=lambda channels: nn.Identity(),
        shortcuts=True,
    )
