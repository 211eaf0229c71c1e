"""Bi-Real Net: a closer estimator for activations, one scale per filter, one shortcut per layer.

Liu, Wu, Luo, Yang, Liu, Cheng 2018, "Bi-Real Net: Enhancing the Performance of 1-bit CNNs with
Improved Representational Capability and Advanced Training Algorithm". Its shortcut is the
architecture's: see `signbit.models.resnet18`.
"""

from __future__ import annotations

from torch import nn

from signbit.methods.base import Method
from signbit.methods.initial import small_positive
from signbit.nn.binarizers import MeanAbsScale, PlainSignActivation
from signbit.nn.estimators import Clip, Polynomial

__all__ = ["method"]


def method() -> Method:
    """Bi-Real: signs under the polynomial estimator, mean(abs(w)) * sign(w) under clip.

    No non-linearity but the sign itself (a ReLU where activations stay real). Latent weights start
    uniform in (0, 0.001), all positive, as in the authors' PyTorch code; real weights keep
    PyTorch's, also where activations alone are binarized (no code of that is published).
    """
    return Method(
        name="bireal",
        weight_binarizer=lambda channels: MeanAbsScale(Clip()),
        activation_binarizer=lambda channels: PlainSignActivation(Polynomial()),
        nonlinearity=lambda channels: nn.Identity(),
        initialise=small_positive,
        real_activation=nn.ReLU,
        shortcuts=True,
    )
