"""A binary convolution's input and what its backward pass makes of it, as the kernels want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import torch
from torch import Tensor

from signbit.fast.memory_format import arranged, conv_is_channels_last, pixels_of
from signbit.fast.switch import gradient_dtype
from signbit.runtime import _native

__all__ = [
    "SURROGATES",
    "Layer",
    "LayerGradients",
    "SignConvSettings",
    "conv_backward",
    "has_conv_backward",
    "surrogate_of",
    "value_of",
]

SURROGATES = ("identity", "clip", "polynomial", "ede")
"""Estimators by the number under which the kernels know them."""

_Sizes = tuple[int, int]


def surrogate_of(estimator: str, parameters: Sequence[float]) -> tuple[int, float, float]:
    """The estimator's number, t and k; of clip t is the limit."""
    defaults = (1.0, 0.0) if estimator == "clip" else (0.0, 0.0)
    t, k = (*parameters, *defaults[len(parameters) :])
    return SURROGATES.index(estimator), t, k


@dataclass(frozen=True)
class SignConvSettings:
    """What a convolution of signs does, besides its tensors."""

    estimator: str
    """One of SURROGATES."""
    parameters: Sequence[float]
    stride: _Sizes
    padding: _Sizes
    dilation: _Sizes
    groups: int

    @property
    def geometry(self) -> tuple[_Sizes, _Sizes, _Sizes]:
        return self.stride, self.padding, self.dilation


def value_of(divisor: Tensor | None) -> float:
    """The divisor, 1 where there is none."""
    return 1.0 if divisor is None else float(divisor.detach())


@dataclass(frozen=True)
class Layer:
    """x (N, in, H, W), the signs of (x + shift) / divisor as bits, and weights (out, in, kh, kw).

    shift (N, in) or None, divisor one value or None.
    """

    x: Tensor
    shift: Tensor | None
    divisor: Tensor | None
    signs: Tensor
    weight: Tensor
    estimator: str
    parameters: Sequence[float]

    def surrogate(self) -> tuple[int, float, float, float]:
        """The estimator's number, t and k, and the divisor."""
        return *surrogate_of(self.estimator, self.parameters), value_of(self.divisor)

    def arguments(self) -> tuple[_native.training.LayerInput, int, float, float, float]:
        """What the kernels want to know of it."""
        shift = None if self.shift is None else self.shift.detach().contiguous()
        arrays = _native.training.LayerInput(
            pixels_of(self.x), shift, self.signs, pixels_of(self.weight)
        )
        return arrays, *self.surrogate()


class LayerGradients:
    """Memory for the gradients of a Layer's x, shift, divisor and weight."""

    def __init__(self, layer: Layer) -> None:
        n, channels, height, width = layer.x.shape
        out, inner, *kernel = layer.weight.shape
        self._channels_last = conv_is_channels_last(layer.x, layer.weight)
        self.of_x = layer.x.new_empty((n, height, width, channels))
        self.of_shift = None if layer.shift is None else torch.zeros_like(layer.shift)
        self.products = None if layer.divisor is None else layer.x.new_zeros((n, channels))
        self._of_weight = layer.x.new_empty((out, *kernel, inner))
        self._divisor = layer.divisor

    def arrays(self) -> _native.training.LayerGradients:
        """The memory in the form in which the kernels write it."""
        return _native.training.LayerGradients(
            self.of_x, self.of_shift, self.products, self._of_weight
        )

    def of_input(self) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """The gradients, shaped like x, shift and divisor."""
        of_divisor = None
        if self.products is not None and self._divisor is not None:
            of_divisor = -self.products.sum().reshape(self._divisor.shape)
        return arranged(self.of_x, self._channels_last), self.of_shift, of_divisor

    def of_weight(self) -> Tensor:
        """The gradient that is shaped like the weight."""
        return arranged(self._of_weight, self._channels_last)


def has_conv_backward(geometry: Sequence[Sequence[int]], groups: int) -> bool:
    """Whether the kernels know the gradients: geometry is (stride, padding, dilation)."""
    return groups == 1 and tuple(geometry[2]) == (1, 1)


def conv_backward(
    x: Tensor, weight: Tensor, geometry: Sequence[Sequence[int]], are_signs: bool
) -> _native.training.ConvBackward:
    """The backward pass of a convolution of x (N, in, H, W) with weight (out, in, kh, kw).

    Its gradients may be rounded to `gradient_dtype` where the weights `are_signs`.
    """
    stride, padding, _ = (cast(_Sizes, tuple(pair)) for pair in geometry)
    return _conv_backward(
        (x.shape[2], x.shape[3]),
        (x.shape[1], weight.shape[0]),
        (weight.shape[2], weight.shape[3]),
        stride,
        padding,
        are_signs and gradient_dtype() == torch.bfloat16,
    )


@lru_cache(maxsize=64)
def _conv_backward(
    size: _Sizes,
    channels: _Sizes,
    kernel: _Sizes,
    stride: _Sizes,
    padding: _Sizes,
    bfloat16: bool,
) -> _native.training.ConvBackward:
    return _native.training.ConvBackward(size, channels, kernel, stride, padding, bfloat16)
