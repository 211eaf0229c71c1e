"""Weight binarizers that look at how the weights of a filter are spread before taking signs."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.nn.binarizers.scales import mean_abs, scaled
from signbit.nn.binarizers.weights import BinaryWeight, WeightBinarizer, per_filter
from signbit.nn.estimators import Estimator

__all__ = ["WSD", "AdaptiveWeight", "Libra", "ScaledWSD"]


class WSD(WeightBinarizer):
    """Weight self-distribution: sign(w + 0.01 sigmoid(a) mean(w)), no scale.

    mean(w) is each filter's and detached; `a` is learnable, one per filter, initially 0.
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
        return BinaryWeight(self.estimator(weight + per_filter(offset, weight)))


class ScaledWSD(WSD):
    """WSD times mean(abs(w)) of each filter, to see what a scale adds to it.

    The gradient passes the scale as in `MeanAbsScale`.
    """

    def forward(self, weight: Tensor) -> BinaryWeight:
        return scaled(super().forward(weight).signs, mean_abs(weight))


class Libra(WeightBinarizer):
    """s * sign(v) of standardised weights v = (w - mean(w)) / std(w), s a power of two.

    Mean and (unbiased) deviation are each filter's, and gradients flow through both;
    s = 2^round(log2(mean(abs(v)))) is detached, and the gradient of v carries it. A filter of
    equal weights gets s = 0. Qin et al. 2020, "Forward and Backward Information Retention for
    Accurate Binary Neural Networks" (IR-Net), Libra-PB, with s from v as in the authors' code.
    Raises InputError for filters of one weight, which have no deviation.
    """

    def forward(self, weight: Tensor) -> BinaryWeight:
        if math.prod(weight.shape[1:]) < 2:
            raise InputError(f"Libra needs filters of 2 weights or more, got {tuple(weight.shape)}")
        spread = _standardised(weight, correction=1)[0]
        return BinaryWeight(self.estimator(spread), mean_abs(spread).log2().round().exp2())


class AdaptiveWeight(WeightBinarizer):
    """alpha * sign((w - beta) / alpha) + beta: two values that need not be symmetric.

    beta = mean(w) and alpha = std(w) (of the population) for each filter; gradients flow through
    both. Tu et al. 2022, "AdaBin: Improving Binary Neural Networks with Adaptive Binary Sets".
    A filter of equal weights gets alpha = 0.
    """

    def forward(self, weight: Tensor) -> BinaryWeight:
        spread, deviation, mean = _standardised(weight, correction=0)
        return BinaryWeight(self.estimator(spread), deviation, mean)


def _standardised(weight: Tensor, correction: int) -> tuple[Tensor, Tensor, Tensor]:
    """(w - mean) / std of each filter, std and mean (out,); zeros where the deviation is 0."""
    filters = weight.flatten(1)
    mean, deviation = filters.mean(1), filters.std(1, correction=correction)
    divisor = deviation.clamp(min=torch.finfo(weight.dtype).tiny)
    return (weight - per_filter(mean, weight)) / per_filter(divisor, weight), deviation, mean
