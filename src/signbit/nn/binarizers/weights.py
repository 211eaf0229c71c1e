"""Weight binarizers: modules that turn a latent real weight into signs, scale and offset.

A weight has shape (out, ...); everything after the first dimension is one filter. Those with a
scale are in `scales`, those that look at how a filter's weights are spread in `distributions`.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from signbit.nn.estimators import Clip, Estimator

__all__ = ["BinaryWeight", "PlainSign", "RealWeight", "WeightBinarizer", "per_filter"]


class BinaryWeight(NamedTuple):
    """A binarized weight: the layer multiplies by `scale[c] * signs[c] + offset[c]`."""

    signs: Tensor
    """-1 or +1, shaped like the latent weight (out, ...); the weight itself where it stays real."""
    scale: Tensor | None = None
    """(out,), or None for 1."""
    offset: Tensor | None = None
    """(out,), or None for 0."""


class WeightBinarizer(nn.Module):
    """Base of the weight binarizers: holds the estimator of their sign."""

    def __init__(self, estimator: Estimator | None = None) -> None:
        super().__init__()
        self.estimator = estimator or Clip()

    def forward(self, weight: Tensor) -> BinaryWeight:
        raise NotImplementedError(f"{type(self).__name__} does not say how it binarizes a weight")

    def extra_repr(self) -> str:
        return f"estimator={self.estimator}"


class PlainSign(WeightBinarizer):
    """sign(w), no scale. Courbariaux & Hubara 2016."""

    def forward(self, weight: Tensor) -> BinaryWeight:
        return BinaryWeight(self.estimator(weight))


class RealWeight(WeightBinarizer):
    """w itself: for networks that binarize activations only (32/1)."""

    def forward(self, weight: Tensor) -> BinaryWeight:
        return BinaryWeight(weight)

    def extra_repr(self) -> str:
        return ""


def per_filter(values: Tensor, weight: Tensor) -> Tensor:
    """(out,) values shaped to broadcast over a weight (out, ...)."""
    return values.reshape([-1] + [1] * (weight.dim() - 1))
