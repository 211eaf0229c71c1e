"""Activations of several bits: sums of signs, so that a layer's weights meet them one by one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from signbit.errors import InputError
from signbit.nn.binarizers.activations import ActivationBinarizer, BinaryActivation
from signbit.nn.estimators import Estimator

__all__ = ["MultiBitActivation"]


class MultiBitActivation(ActivationBinarizer):
    """offset + Σ weights[i] · sign(x − thresholds[i]): 2^bits levels, or one more than thresholds.

    With `bits` alone the levels are uniform from −1 to 1 (−1, −1/3, 1/3, 1 for two bits), with the
    thresholds in the middle between them. thresholds: instead of bits, k values, or (k, channels);
    weights: k values, or left out for 1/k each; offset: one value. A `MultiThreshold` of Brevitas
    and FINN with out_scale s, out_bias b and k thresholds has weights of s/2 and the offset
    k·s/2 + b. A zero around the image is the value 0, whatever the levels are.

    The gradient is the sum of the signs' own, each by `estimator`, times their weights. A layer
    holds its weights once, and its compiled form multiplies them with k sign maps, where all
    weights here are equal in one dot product (of maps; of vectors in k).
    Raises InputError for bits below 1 or above 4, and for numbers that do not fit each other.

    >>> levels = MultiBitActivation(2)(torch.tensor([-0.9, -0.1, 0.1, 0.9]).reshape(1, 4, 1, 1))
    >>> (levels.signs * levels.scale).flatten()
    tensor([-1.0000, -0.3333,  0.3333,  1.0000])
    """

    thresholds: Tensor
    """(k,) or (k, channels)"""
    scales: Tensor
    """(k,), the weights"""
    first_offset: Tensor
    """The offset in units of the first sign"""

    def __init__(
        self,
        bits: int | None = 2,
        thresholds: Sequence[float] | Tensor | None = None,
        weights: Sequence[float] | None = None,
        offset: float = 0.0,
        estimator: Estimator | None = None,
    ) -> None:
        super().__init__(estimator)
        if thresholds is None:
            if bits is None or not 1 <= bits <= 4:
                raise InputError(f"MultiBitActivation needs 1 to 4 bits, got {bits}")
            count = 2**bits - 1
            thresholds = [(2 * i + 1 - count) / count for i in range(count)]
        given = torch.as_tensor(thresholds, dtype=torch.float32).clone()
        if given.dim() not in (1, 2) or not given.numel() or not given.isfinite().all():
            raise InputError(
                "MultiBitActivation: thresholds must be finite, (k,) or (k, channels), "
                f"got shape {tuple(given.shape)}"
            )
        self.weights = tuple(map(float, weights or [1 / len(given)] * len(given)))
        self.offset = float(offset)
        if len(self.weights) != len(given) or 0 in self.weights:
            raise InputError(
                f"MultiBitActivation has {len(given)} thresholds and the weights {self.weights}; "
                "give as many, none of them 0"
            )
        self.register_buffer("thresholds", given)
        self.register_buffer("scales", torch.tensor(self.weights), persistent=False)
        first = torch.tensor(self.offset / self.weights[0])
        self.register_buffer("first_offset", first, persistent=False)

    def forward(self, x: Tensor) -> BinaryActivation:
        channels = self.thresholds.shape[1] if self.thresholds.dim() == 2 else 1
        if channels not in (1, x.shape[1]):
            raise InputError(
                f"MultiBitActivation has thresholds for {channels} channels, got {tuple(x.shape)}"
            )
        shape = (-1, 1, channels, *(1,) * (x.dim() - 2))
        signs = [self.estimator(x - each) for each in self.thresholds.reshape(shape)]
        offset = self.first_offset if self.offset else None
        if len(set(self.weights)) == 1 and x.dim() == 4:
            # Whole numbers, so that a layer's product of the sum is exact.
            return BinaryActivation(sum(signs[1:], signs[0]), self.scales[0], offset)
        more = tuple(zip(signs[1:], self.scales[1:], strict=True))
        return BinaryActivation(signs[0], self.scales[0], offset, more=more)

    def extra_repr(self) -> str:
        offset = f", offset={self.offset:g}" if self.offset else ""
        return f"{len(self.weights) + 1} levels{offset}, {super().extra_repr()}"
