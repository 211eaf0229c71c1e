"""Activation binarizers: modules that turn a layer's real input into signs.

An input is (N, channels, H, W) or (N, channels); the signs have its shape.
"""

from __future__ import annotations

from torch import Tensor, nn

from signbit.errors import InputError
from signbit.estimators import Clip, Estimator

__all__ = ["ASD", "ActivationBinarizer", "PlainSignActivation"]


class ActivationBinarizer(nn.Module):
    """Base of the activation binarizers: holds the estimator of their sign."""

    def __init__(self, estimator: Estimator | None = None) -> None:
        super().__init__()
        self.estimator = estimator or Clip()

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not say how it binarizes its input")

    def extra_repr(self) -> str:
        return f"estimator={self.estimator}"


class PlainSignActivation(ActivationBinarizer):
    """sign(x). Courbariaux & Hubara 2016."""

    def forward(self, x: Tensor) -> Tensor:
        return self.estimator(x)


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

    def forward(self, x: Tensor) -> Tensor:
        spatial = x.dim() == 4
        mean = x.mean((2, 3)) if spatial else x
        shift = self.sigmoid(self.excite(self.relu(self.squeeze(mean))))
        return self.estimator(x + (shift.unsqueeze(-1).unsqueeze(-1) if spatial else shift))
