"""Activation binarizers: modules that turn a layer's real input into signs.

An input is (N, channels, H, W) or (N, channels); the signs have its shape. A binarizer that takes
the sign of its input, moved by one value per channel or not at all, says by how much in `shift`,
and native operations do the rest. Any other binarizer overrides `forward`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.nn.estimators import Clip, Estimator

__all__ = [
    "ASD",
    "ActivationBinarizer",
    "AdaptiveActivation",
    "BinaryActivation",
    "MeanAbsMap",
    "PlainSignActivation",
    "RSign",
    "RealActivation",
]


class BinaryActivation(NamedTuple):
    """A binarized input: the layer computes with `scale * (signs + offset)`."""

    signs: Tensor
    """-1 or +1, or a sum of such, shaped like the input; the input itself where it stays real."""
    scale: Tensor | None = None
    """One value, or None for 1."""
    offset: Tensor | None = None
    """One value, or None for 0."""
    magnitudes: Tensor | None = None
    """(N, 1, H, W) or (N, 1), or None; the layer's result is multiplied by their mean over each
    window, zeros around the image."""
    more: tuple[tuple[Tensor, Tensor], ...] = ()
    """Further signs, each with the one value that scales it; the layer adds their products."""

    def values(self) -> Tensor:
        """What stands in the place of the input, shaped like it: for products of two inputs."""
        y = self.signs if self.offset is None else self.signs + self.offset
        y = y if self.scale is None else y * self.scale
        for signs, scale in self.more:
            y = y + signs * scale
        return y if self.magnitudes is None else y * self.magnitudes


class ActivationBinarizer(nn.Module):
    """Base of the activation binarizers: estimator(x + shift(x))."""

    def __init__(self, estimator: Estimator | None = None) -> None:
        super().__init__()
        self.estimator = estimator or Clip()

    def shift(self, x: Tensor) -> Tensor | None:
        """What is added to x before its sign is taken: (N, channels) or (1, channels), or None."""
        return self.shift_from_mean(x.mean((2, 3)) if x.dim() == 4 else x)

    def shift_from_mean(self, mean: Tensor) -> Tensor:
        """The shift as a function of x's mean over the image, (N, channels), where it is one."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it binarizes its input")

    def forward(self, x: Tensor) -> BinaryActivation:
        shift = self.shift(x)
        if shift is not None:
            x = x + (shift.unsqueeze(-1).unsqueeze(-1) if x.dim() == 4 else shift)
        return BinaryActivation(self.estimator(x))

    def extra_repr(self) -> str:
        return f"estimator={self.estimator}"


class PlainSignActivation(ActivationBinarizer):
    """sign(x). Courbariaux & Hubara 2016."""

    def shift(self, x: Tensor) -> Tensor | None:
        return None


class MeanAbsMap(PlainSignActivation):
    """sign(x), and the layer's result times K: the mean of abs(x) over each window.

    K = A * k, A the mean of abs(x) over the channels of a pixel, k a box filter of 1 / (w h) a tap.
    Rastegari et al. 2016, "XNOR-Net", eq. 11. Gradients flow through K as well.
    """

    def forward(self, x: Tensor) -> BinaryActivation:
        return super().forward(x)._replace(magnitudes=x.abs().mean(1, keepdim=True))


class ASD(ActivationBinarizer):
    """Activation self-distribution: sign(x + sigmoid(W2 relu(W1 mean_hw(x)))).

    One threshold for each channel and each image, from the image itself; W1 and W2 have no biases
    and max(1, channels // reduction) hidden channels. The gradient flows through the threshold.
    Xue et al. 2021, "Self-Distribution Binary Neural Networks" (SD-BNN): reduction 16 on CIFAR-10,
    8 on ImageNet. Raises InputError for a reduction or a channel count below 1.
    """

    def __init__(
        self, channels: int, reduction: int = 16, estimator: Estimator | None = None
    ) -> None:
        if channels < 1 or reduction < 1:
            raise InputError(
                f"ASD needs channels and reduction >= 1, got {channels} and {reduction}"
            )
        super().__init__(estimator)
        hidden = max(1, channels // reduction)
        self.squeeze = nn.Linear(channels, hidden, bias=False)
        self.relu = nn.ReLU()
        self.excite = nn.Linear(hidden, channels, bias=False)
        self.sigmoid = nn.Sigmoid()

    def shift_from_mean(self, mean: Tensor) -> Tensor:
        shift: Tensor = self.sigmoid(self.excite(self.relu(self.squeeze(mean))))
        return shift


class RSign(ActivationBinarizer):
    """sign(x + b), b learnable, one per channel, initially 0.

    Liu et al. 2020, "ReActNet: Towards Precise Binary Neural Network with Generalized Activation
    Functions", whose threshold alpha is -b.
    """

    def __init__(self, channels: int, estimator: Estimator | None = None) -> None:
        super().__init__(estimator)
        self.bias = nn.Parameter(torch.zeros(channels))

    def shift(self, x: Tensor) -> Tensor | None:
        return self.bias.unsqueeze(0)


class AdaptiveActivation(ActivationBinarizer):
    """alpha * (sign((x - beta) / alpha) + beta): two values that need not be symmetric.

    alpha and beta are learnable, one of each per layer, initially 1 and 0; gradients flow through
    both, also where they scale and move the signs. Tu et al. 2022, "AdaBin: Improving Binary Neural
    Networks with Adaptive Binary Sets"; the form is that of the authors' code.
    """

    def __init__(self, estimator: Estimator | None = None) -> None:
        super().__init__(estimator)
        self.alpha = nn.Parameter(torch.ones(()))
        self.beta = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> BinaryActivation:
        signs = self.estimator((x - self.beta) / self.alpha)
        return BinaryActivation(signs, self.alpha, self.beta)


class RealActivation(ActivationBinarizer):
    """x itself, or what `function` makes of it: for networks that binarize weights only (1/32).

    It also hands on signs that were taken elsewhere.
    """

    def __init__(self, function: nn.Module | None = None) -> None:
        super().__init__()
        self.function = function or nn.Identity()

    def forward(self, x: Tensor) -> BinaryActivation:
        return BinaryActivation(self.function(x))

    def extra_repr(self) -> str:
        return ""
