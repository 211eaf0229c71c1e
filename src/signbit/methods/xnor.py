"""XNOR-Net: a scale for each filter, a map of magnitudes for the input, normalisation first.

Rastegari, Ordonez, Redmon, Farhadi 2016, "XNOR-Net: ImageNet Classification Using Binary
Convolutional Neural Networks".
"""

from __future__ import annotations

from torch import nn

from signbit.methods.base import Method
from signbit.methods.idle import Idle
from signbit.methods.initial import INITIAL_WEIGHTS
from signbit.methods.parameters import pick, require_flags
from signbit.nn.binarizers import (
    AbsMeanScale,
    MeanAbsMap,
    PlainSignActivation,
    ReleasedXnorScale,
    XnorScale,
)
from signbit.nn.block_order import NORM_FIRST, norm_first
from signbit.nn.estimators import Clip, ClipInside

__all__ = ["IDLE", "method"]

IDLE = (
    # The released code's estimator and normalisation are there without its scale, too.
    Idle("scale", "binarize", "activations", but=("released",)),
    Idle("activation_scale", "binarize", "weights"),
)

_SCALES = {"mean-abs": XnorScale, "abs-mean": AbsMeanScale, "released": ReleasedXnorScale}


def method(activation_scale: bool = True, scale: str = "mean-abs") -> Method:
    """XNOR-Net: block BN -> sign -> conv -> (pool), scales alpha and K, clip estimator.

    activation_scale: whether K multiplies (the paper) or not (the released code). scale: alpha is
    "mean-abs", mean(abs(w)) with the paper's gradient; "abs-mean", abs(mean(w)), which has the
    larger error (see `AbsMeanScale`); or "released", mean(abs(w)) with the gradients of the
    released code. There a weight's gradient is (1 - 1 / c) n times the paper's (see
    `ReleasedXnorScale`), no gradient passes a sign at exactly -1 and 1, and the normalisation
    before a sign in a residual block has the code's eps, 1e-4 instead of 1e-5.

    No non-linearity but the sign itself (a ReLU in its place where activations stay real). Latent
    weights start as PyTorch's own (ours) and are clipped to [-1, 1] after every step, as in the
    released code, which also subtracts each filter's mean from them; that is left out. Raises
    RecipeError for a bad value.
    """
    require_flags("xnor", {"activation_scale": activation_scale})
    weights = pick("xnor", "scale", scale, _SCALES)
    released = weights is ReleasedXnorScale
    estimator = ClipInside if released else Clip
    activations = MeanAbsMap if activation_scale else PlainSignActivation
    return Method(
        name="xnor",
        weight_binarizer=lambda channels: weights(estimator()),
        activation_binarizer=lambda channels: activations(estimator()),
        nonlinearity=lambda channels: nn.Identity(),
        initialise=INITIAL_WEIGHTS["default"],
        latent_limit=1.0,
        real_activation=nn.ReLU,
        order=norm_first(1e-4) if released else NORM_FIRST,
    )
