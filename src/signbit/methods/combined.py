"""Parts of several papers put together by name, for recipes that combine what helps.

Every part is a paper's own; the table of each parameter says which paper's.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from signbit.methods.base import Method
from signbit.methods.idle import Idle
from signbit.methods.initial import INITIAL_WEIGHTS, small_positive
from signbit.methods.parameters import pick, require_flags
from signbit.nn.binarizers import (
    ASD,
    WSD,
    AdaptiveActivation,
    AdaptiveWeight,
    Libra,
    MeanAbsScale,
    PlainSign,
    PlainSignActivation,
    RSign,
)
from signbit.nn.binarizers.activations import ActivationBinarizer
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.estimators import EDE, Clip, Estimator, Polynomial
from signbit.nn.nonlinearities import DPReLU, Maxout, RPReLU

__all__ = ["IDLE", "method"]

IDLE = (
    Idle("weights", "binarize", "activations"),
    Idle("weight_estimator", "binarize", "activations"),
    Idle("activations", "binarize", "weights"),
    Idle("activation_estimator", "binarize", "weights"),
)

_WEIGHTS: dict[str, Callable[[int, Estimator], WeightBinarizer]] = {
    "sign": lambda channels, estimator: PlainSign(estimator),
    "mean-abs": lambda channels, estimator: MeanAbsScale(estimator),
    "libra": lambda channels, estimator: Libra(estimator),
    "wsd": WSD,
    "adaptive": lambda channels, estimator: AdaptiveWeight(estimator),
}
_ACTIVATIONS: dict[str, Callable[[int, Estimator], ActivationBinarizer]] = {
    "sign": lambda channels, estimator: PlainSignActivation(estimator),
    "rsign": RSign,
    "asd": lambda channels, estimator: ASD(channels, 16, estimator),
    "adaptive": lambda channels, estimator: AdaptiveActivation(estimator),
}
_NONLINEARITIES: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "hardtanh": lambda channels: nn.Hardtanh(),
    "prelu": nn.PReLU,
    "rprelu": RPReLU,
    "maxout": Maxout,
    "dprelu": DPReLU,
}
_ESTIMATORS: dict[str, Callable[[], Estimator]] = {
    "clip": Clip,
    "polynomial": Polynomial,
    "ede": EDE,
}
_INITIAL = INITIAL_WEIGHTS | {"small-positive": small_positive}


def method(
    weights: str = "mean-abs",
    weight_estimator: str = "clip",
    activations: str = "rsign",
    activation_estimator: str = "polynomial",
    nonlinearity: str = "rprelu",
    initial_weights: str = "small-positive",
    stem_nonlinearity: bool = False,
) -> Method:
    """The named parts; the defaults are ReActNet's.

    weights: "sign", "mean-abs" (XNOR-Net), "libra" (IR-Net), "wsd" (SD-BNN) or "adaptive" (AdaBin).
    activations: "sign", "rsign" (ReActNet), "asd" (SD-BNN, reduction 16) or "adaptive" (AdaBin).
    weight_estimator, activation_estimator: "clip", "polynomial" (Bi-Real Net) or "ede" (IR-Net).
    nonlinearity: "none", "hardtanh", "prelu", "rprelu" (ReActNet), "maxout" (AdaBin) or
    "dprelu" (PokeBNN); stem_nonlinearity: whether one follows the real first convolution as well.
    initial_weights: "kaiming", "fan-out", "fan-out-convolutions", "default" or "small-positive"
    (Bi-Real Net; real weights keep PyTorch's). Raises RecipeError for another word, listing the
    choices.
    """
    weight = pick("combined", "weights", weights, _WEIGHTS)
    weight_sign = pick("combined", "weight_estimator", weight_estimator, _ESTIMATORS)
    activation = pick("combined", "activations", activations, _ACTIVATIONS)
    sign = pick("combined", "activation_estimator", activation_estimator, _ESTIMATORS)
    require_flags("combined", {"stem_nonlinearity": stem_nonlinearity})
    return Method(
        name="combined",
        weight_binarizer=lambda channels: weight(channels, weight_sign()),
        activation_binarizer=lambda channels: activation(channels, sign()),
        nonlinearity=pick("combined", "nonlinearity", nonlinearity, _NONLINEARITIES),
        initialise=pick("combined", "initial_weights", initial_weights, _INITIAL),
        stem=None if stem_nonlinearity else lambda channels: nn.Identity(),
    )
