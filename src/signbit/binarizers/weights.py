"""Weight binarizers: modules that turn a latent real weight into signs and an optional scale.

A weight has shape (out, ...); everything after the first dimension is one filter.

How gradients reach the latent weight w. A layer computes y = scale * conv(x, signs), so without
help the gradient of w would carry the factor scale. Here the scale is detached (it moves only
because w moves), and w gets the gradient of the product scale * signs *unchanged*, times the
estimator's derivative: `scale_gradient(signs, 1 / scale)` takes the factor out again.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.estimators import Clip, Estimator, scale_gradient

__all__ = ["WSD", "AbsMeanScale", "BinaryWeight", "MeanAbsScale", "PlainSign", "WeightBinarizer"]


class BinaryWeight(NamedTuple):
    """A binarized weight: the layer multiplies by `scale[c] * signs[c]`, or by signs alone."""

    signs: Tensor
    """-1 or +1, shaped like the latent weight (out, ...)."""
    scale: Tensor | None
    """(out,), or None for 1."""


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
        return BinaryWeight(self.estimator(weight), None)


class MeanAbsScale(WeightBinarizer):
    """alpha * sign(w) with alpha = mean(abs(w)) for each filter.

    This alpha minimises ||w - alpha sign(w)||^2. Rastegari et al. 2016, "XNOR-Net", eq. 6.
    For [[0.2, 0.2], [-0.6, -0.6]] as one filter it is 0.4, squared error 0.16.
    Gradient: as the module says, to w unchanged (Bi-Real Net, ReActNet), none through alpha.
    """

    def forward(self, weight: Tensor) -> BinaryWeight:
        return _scaled(self.estimator(weight), weight.detach().flatten(1).abs().mean(1))


class AbsMeanScale(WeightBinarizer):
    """alpha * sign(w) with alpha = abs(mean(w)) for each filter: "the absolute value of the mean".

    For [[0.2, 0.2], [-0.6, -0.6]] as one filter it is 0.2, squared error 0.32: twice that of
    `MeanAbsScale` (0.4, error 0.16), which is the better choice for every filter; the two agree
    where a filter's weights all have one sign. A filter of mean 0 gets alpha 0: it neither says
    nor learns anything. Gradient as in `MeanAbsScale`.
    """

    def forward(self, weight: Tensor) -> BinaryWeight:
        return _scaled(self.estimator(weight), weight.detach().flatten(1).mean(1).abs())


class WSD(WeightBinarizer):
    """Weight self-distribution: sign(w + 0.01 sigmoid(a) mean(w)), no scale.

    mean(w) is each filter's and detached; `a` is learnable, one a filter, initially 0.
    Xue et al. 2021, "Self-Distribution Binary Neural Networks" (SD-BNN).
    """

    def __init__(self, out_channels: int, estimator: Estimator | None = None) -> None:
        super().__init__(estimator)
        self.a = nn.Parameter(torch.zeros(out_channels))

    def forward(self, weight: Tensor) -> BinaryWeight:
        if weight.shape[0] != self.a.shape[0]:
            raise InputError(
                f"WSD was made for {self.a.shape[0]} filters, the weight has {weight.shape[0]}"
            )
        mean = weight.detach().flatten(1).mean(1)
        offset = 0.01 * torch.sigmoid(self.a) * mean
        return BinaryWeight(self.estimator(weight + _per_filter(offset, weight)), None)


def _per_filter(values: Tensor, weight: Tensor) -> Tensor:
    """(out,) values shaped to broadcast over a weight (out, ...)."""
    return values.reshape([-1] + [1] * (weight.dim() - 1))


def _scaled(signs: Tensor, scale: Tensor) -> BinaryWeight:
    """`signs` and `scale`, with the factor `scale` taken out of the gradient of the signs.

    Where the scale is 0 (or so small that its reciprocal overflows) the layer's gradient has
    vanished before it gets here: nothing can be restored, and it stays 0 rather than NaN.
    """
    usable = scale >= torch.finfo(scale.dtype).tiny
    restore = torch.where(usable, scale, 1).reciprocal() * usable
    return BinaryWeight(scale_gradient(signs, _per_filter(restore, signs)), scale)
