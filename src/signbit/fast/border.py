"""What an input's offset adds to a convolution: δ·conv(1, weight), less at the image's border.

Only taps inside the image count. Rows and columns choose theirs apart from each other, so a
convolution of ones is two products with matrices of zeros and ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import torch
from torch import Tensor

__all__ = ["border_of", "convolved_ones", "ones_gradient"]

_Geometry = Sequence[Sequence[int]]
"""Stride, padding and dilation, each (rows, columns)."""


def border_of(
    conv: Callable[[Tensor, Tensor, int], Tensor],
    signs: Tensor,
    scale: Tensor | None,
    offset: Tensor | None,
    input_offset: Tensor,
    size: Sequence[int],
) -> Tensor:
    """δ·(scale[c]·W + offset[c]·N), (1, out, H', W'), for images of `size`.

    W and N, the sum and the number of a filter's signs inside the image, are convolutions by
    conv(x, weight, groups), whose x is all ones; δ is the input's offset.
    """
    inside = signs.new_ones(1, 1, *size)
    border = conv(inside, signs.sum(1, keepdim=True), 1)
    if scale is not None:
        border = border * scale.reshape(-1, 1, 1)
    if offset is not None:
        taps = conv(inside, signs.new_full((1, 1, *signs.shape[2:]), signs.shape[1]), 1)
        border = border + offset.reshape(-1, 1, 1) * taps
    return input_offset * border


def convolved_ones(weight: Tensor, size: Sequence[int], geometry: _Geometry) -> Tensor:
    """conv2d(ones(1, 1, *size), weight), (1, out, H', W'), of weight (out, 1, kh, kw).

    It is summed in float64: integers stay exact whatever precision PyTorch's products are set to.
    """
    rows, columns = _taps_inside(weight, size, geometry)
    return (rows @ weight.double() @ columns.t()).to(weight.dtype).transpose(0, 1)


def ones_gradient(grad: Tensor, weight: Tensor, size: Sequence[int], geometry: _Geometry) -> Tensor:
    """The gradient of `convolved_ones`' weight (out, 1, kh, kw), from that of its result."""
    rows, columns = _taps_inside(weight, size, geometry)
    return (rows.t() @ grad.double().transpose(0, 1) @ columns).to(grad.dtype)


def _taps_inside(weight: Tensor, size: Sequence[int], geometry: _Geometry) -> tuple[Tensor, Tensor]:
    stride, padding, dilation = geometry
    kernel = weight.shape[2:]
    rows, columns = (
        _axis(size[i], kernel[i], stride[i], padding[i], dilation[i]) for i in range(2)
    )
    return rows, columns


@lru_cache(maxsize=256)
def _axis(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Tensor:
    """(outputs, kernel) float64: 1 where a tap of an output lies inside the image, else 0."""
    outputs = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    taps = torch.arange(kernel, device="cpu") * dilation - padding
    places = torch.arange(outputs, device="cpu")[:, None] * stride + taps
    return ((places >= 0) & (places < size)).double()
