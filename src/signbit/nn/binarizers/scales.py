"""Weight binarizers with a scale for each filter that follows from its latent weights.

How gradients reach the latent weight w. A layer computes y = scale * conv(x, signs), so without
help the gradient of w would carry the factor scale. Here the scale is detached (it moves only
because w moves), and each class says what w gets of the gradient g of the product scale * signs.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from signbit.nn.binarizers.weights import BinaryWeight, WeightBinarizer, per_filter
from signbit.nn.estimators import scale_gradient, sign

__all__ = [
    "AbsMeanScale",
    "MeanAbsScale",
    "ReleasedXnorScale",
    "XnorScale",
    "mean_abs",
    "scaled",
]


class MeanAbsScale(WeightBinarizer):
    """alpha * sign(w) with alpha = mean(abs(w)) for each filter.

    This alpha minimises ||w - alpha sign(w)||^2. Rastegari et al. 2016, "XNOR-Net", eq. 6.
    For [[0.2, 0.2], [-0.6, -0.6]] as one filter it is 0.4, squared error 0.16.
    Gradient: g *unchanged*, times the estimator's derivative (Bi-Real Net, ReActNet).
    """

    def forward(self, weight: Tensor) -> BinaryWeight:
        return scaled(self.estimator(weight), mean_abs(weight))


class AbsMeanScale(WeightBinarizer):
    """alpha * sign(w) with alpha = abs(mean(w)) for each filter: "the absolute value of the mean".

    For [[0.2, 0.2], [-0.6, -0.6]] as one filter it is 0.2, with a squared error of 0.32: twice that
    of `MeanAbsScale` (0.4, error 0.16), which is the better choice for every filter. The two agree
    where a filter's weights all have one sign. A filter of mean 0 gets alpha 0: it neither says nor
    learns anything. Gradient as in `MeanAbsScale`.
    """

    def forward(self, weight: Tensor) -> BinaryWeight:
        return scaled(self.estimator(weight), weight.detach().flatten(1).mean(1).abs())


class XnorScale(WeightBinarizer):
    """alpha * sign(w) with alpha = mean(abs(w)), and the gradient of XNOR-Net.

    Gradient: g (1 / n + alpha d), d being the estimator's derivative (of clip, there) and n the
    number of weights of a filter. Rastegari et al. 2016, "XNOR-Net", section 3.1.
    """

    def forward(self, weight: Tensor) -> BinaryWeight:
        alpha = mean_abs(weight)
        factor = self.gradient_factor(weight.detach(), alpha)
        return BinaryWeight(sign(scale_gradient(weight, factor), "identity"), alpha)

    def gradient_factor(self, latent: Tensor, alpha: Tensor) -> Tensor:
        """What w (out, in, ...) gets of its signs' gradient, which the layer makes alpha g."""
        # g (1 / n + alpha d) is alpha g by 1 / (n alpha) + d.
        n = math.prod(latent.shape[1:])
        return self.estimator.derivative(latent) + per_filter(_reciprocal(alpha) / n, latent)


class ReleasedXnorScale(XnorScale):
    """alpha * sign(w) with alpha = mean(abs(w)), and the gradient of XNOR-Net's released code.

    Gradient: g (1 / n + alpha d) (1 - 1 / c) n, c being the number of input channels of a filter;
    the code's d is that of `ClipInside`. A filter of one channel learns nothing, as there.
    """

    def gradient_factor(self, latent: Tensor, alpha: Tensor) -> Tensor:
        """(1 - 1 / c) n times that of `XnorScale`, for w (out, c, ...)."""
        gain = (1 - 1 / latent.shape[1]) * math.prod(latent.shape[1:])
        return gain * super().gradient_factor(latent, alpha)


def mean_abs(weight: Tensor) -> Tensor:
    """mean(abs(w)) of each filter, (out,), detached."""
    return weight.detach().flatten(1).abs().mean(1)


def scaled(signs: Tensor, scale: Tensor) -> BinaryWeight:
    """`signs` and `scale`, with the factor `scale` taken out of the gradient of the signs.

    Where the scale is 0 the layer's gradient has vanished before it gets here: nothing can be
    restored, and it stays 0 rather than NaN.
    """
    return BinaryWeight(scale_gradient(signs, per_filter(_reciprocal(scale), signs)), scale)


def _reciprocal(scale: Tensor) -> Tensor:
    """1 / scale, 0 where the scale is 0 or so small that this overflows."""
    usable = scale >= torch.finfo(scale.dtype).tiny
    return torch.where(usable, scale, 1).reciprocal() * usable
