"""AdaBin: weights and activations take two values that need not be symmetric; Maxout.

Tu, Chen, Ren, Wang 2022, "AdaBin: Improving Binary Neural Networks with Adaptive Binary Sets".
"""

from __future__ import annotations

from signbit.methods.base import Method
from signbit.methods.idle import Idle
from signbit.methods.initial import INITIAL_WEIGHTS
from signbit.methods.parameters import pick, require_ede_range
from signbit.nn.binarizers import AdaptiveActivation, AdaptiveWeight
from signbit.nn.estimators import EDE, Polynomial
from signbit.nn.nonlinearities import Maxout

__all__ = ["IDLE", "method"]

IDLE = (Idle("t_min", "binarize", "activations"), Idle("t_max", "binarize", "activations"))


def method(t_min: float = 1e-3, t_max: float = 1e1, initial_weights: str = "kaiming") -> Method:
    """AdaBin: adaptive sets, weights' under EDE and activations' under the polynomial; Maxout.

    t_min, t_max: EDE's range. initial_weights: "kaiming" (published for ResNet-20),
    "fan-out-convolutions" (published for ImageNet's ResNet-18), "fan-out" or "default" (PyTorch's
    own). Raises RecipeError for a bad value.
    """
    require_ede_range("adabin", t_min, t_max)
    return Method(
        name="adabin",
        weight_binarizer=lambda channels: AdaptiveWeight(EDE(t_min, t_max)),
        activation_binarizer=lambda channels: AdaptiveActivation(Polynomial()),
        nonlinearity=Maxout,
        initialise=pick("adabin", "initial_weights", initial_weights, INITIAL_WEIGHTS),
        shortcuts=True,
    )
