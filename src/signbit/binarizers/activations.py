"""Activation binarizers: modules that turn a layer's real input into signs.

An input is (N, channels, H, W) or (N, channels); the signs have its shape. A binarizer that takes
the sign of its input moved by one value a channel, or not moved, says by how much in `shift` and is
done; native operations then do the rest. Another overrides `forward`.
"""

from __future__ import annotations

from torch import Tensor, nn

from signbit.errors import InputError
from signbit.estimators import Clip, Estimator

__all__ = ["ASD", "ActivationBinarizer", "PlainSignActivation"]


class ActivationBinarizer(nn.Module):
    """Base of the activation binarizers: estimator(x + shift(x))."""

    def __init__(self, estimator: Estimator | None = None) -> None:
        super().__init__()
        self.estimator = estimator or Clip()

    def shift(self, x: Tensor) -> Tensor | None:
        """What is added to x before its sign is taken, (N, channels), or None for nothing."""
        return self.shift_from_mean(x.mean((2, 3)) if x.dim() == 4 else x)

    def shift_from_mean(self, mean: Tensor) -> Tensor:
        """The same where it depends on x only through its mean over the image, (N, channels)."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it binarizes its input")

    def forward(self, x: Tensor) -> Tensor:
        shift = self.shift(x)
        if shift is None:
            return self.estimator(x)
        return self.estimator(x + (shift.unsqueeze(-1).unsqueeze(-1) if x.dim() == 4 else shift))

    def extra_repr(self) -> str:
        return f"estimator={self.estimator}"


class PlainSignActivation(ActivationBinarizer):
    """sign(x). Courbariaux & Hubara 2016."""

    def shift(self, x: Tensor) -> Tensor | None:
        return None


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
