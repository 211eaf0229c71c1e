"""SD-BNN: self-distribution of activations (ASD) and weights (WSD) instead of scaling factors.

Xue, Lu, Chang, Wei, Wei 2021, "Self-Distribution Binary Neural Networks". `method` is the one for
CIFAR-10, `imagenet` the one for ImageNet; both can leave parts out, for an ablation.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from signbit.methods.base import Method
from signbit.methods.idle import Idle
from signbit.methods.initial import INITIAL_WEIGHTS, small_positive_in_every_stage
from signbit.methods.parameters import pick, require_ede_range, require_flags, require_whole
from signbit.nn.binarizers import ASD, WSD, MeanAbsScale, PlainSign, PlainSignActivation, ScaledWSD
from signbit.nn.binarizers.activations import ActivationBinarizer
from signbit.nn.binarizers.weights import WeightBinarizer
from signbit.nn.estimators import EDE, Clip, Estimator, Polynomial

__all__ = ["IDLE", "imagenet", "method"]

IDLE = (
    Idle("reduction", "asd", False),
    Idle("reduction", "binarize", "weights"),
    Idle("asd", "binarize", "weights"),
    Idle("wsd", "binarize", "activations"),
    Idle("scale", "binarize", "activations"),
)
"""What does nothing beside what, in both methods."""


def method(
    reduction: int = 16,
    t_min: float = 1e-3,
    t_max: float = 1e1,
    initial_weights: str = "kaiming",
    asd: bool = True,
    wsd: bool = True,
    scale: bool = False,
) -> Method:
    """SD-BNN for CIFAR-10: ASD and WSD under EDE, hardtanh.

    reduction: ASD's, >= 1. t_min, t_max: EDE's range. initial_weights: "kaiming" (normal, fan in,
    every convolution and linear layer), "fan-out" (published for VGG-Small: convolutions
    N(0, sqrt(2 / (k^2 out))), linear layers N(0, 0.01), biases 0), both including ASD's layers,
    "fan-out-convolutions" (those alone) or "default", PyTorch's own. asd, wsd: whether each takes
    the place of the plain sign; scale: whether weights are multiplied by XNOR-Net's mean(abs(w)).
    Raises RecipeError for a bad value.
    """
    require_ede_range("sdbnn", t_min, t_max)
    weights, activations = _binarizers("sdbnn", reduction, asd, wsd, scale)
    return Method(
        name="sdbnn",
        weight_binarizer=lambda channels: weights(channels, EDE(t_min, t_max)),
        activation_binarizer=lambda channels: activations(channels, EDE(t_min, t_max)),
        nonlinearity=lambda channels: nn.Hardtanh(),
        initialise=pick("sdbnn", "initial_weights", initial_weights, INITIAL_WEIGHTS),
        shortcuts=True,
    )


def imagenet(reduction: int = 8, asd: bool = True, wsd: bool = True, scale: bool = False) -> Method:
    """SD-BNN for ImageNet: ASD under the polynomial estimator, WSD under clip, PReLU.

    Parameters as in `method`. The weights of binary layers start uniform in (0, 0.001), all
    positive, in the first stage, where they are real, as well. The real first convolution has no
    non-linearity. Its two stages and its teacher are the recipe's.
    """
    weights, activations = _binarizers("sdbnn-imagenet", reduction, asd, wsd, scale)
    return Method(
        name="sdbnn-imagenet",
        weight_binarizer=lambda channels: weights(channels, Clip()),
        activation_binarizer=lambda channels: activations(channels, Polynomial()),
        nonlinearity=nn.PReLU,
        initialise=small_positive_in_every_stage,
        stem=lambda channels: nn.Identity(),
        shortcuts=True,
    )


def _binarizers(
    method: str, reduction: int, asd: bool, wsd: bool, scale: bool
) -> tuple[
    Callable[[int, Estimator], WeightBinarizer], Callable[[int, Estimator], ActivationBinarizer]
]:
    """(channels, estimator) -> the weight and the activation binarizer of a layer."""
    require_whole(method, "reduction", reduction)
    require_flags(method, {"asd": asd, "wsd": wsd, "scale": scale})
    distributed, plain = (ScaledWSD, MeanAbsScale) if scale else (WSD, PlainSign)

    def weights(channels: int, estimator: Estimator) -> WeightBinarizer:
        return distributed(channels, estimator) if wsd else plain(estimator)

    def activations(channels: int, estimator: Estimator) -> ActivationBinarizer:
        return ASD(channels, reduction, estimator) if asd else PlainSignActivation(estimator)

    return weights, activations
