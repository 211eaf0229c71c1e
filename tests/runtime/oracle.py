"""Independent oracles of convolutions: loops over taps, nothing shared with signbit.

Images are (N, h, w, in), weights (out, kh, kw, in/groups), results (N, oh, ow, out). `padding` is
[vertical, horizontal] or [top, left, bottom, right].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def weight_signs(words: Array, taps: int) -> Array:
    """±1 (out, taps) of packed words, read bit by bit: tap i is bit i mod 64 of word i div 64."""
    signs = np.empty((len(words), taps), np.int64)
    for out, row in enumerate(words.tolist()):
        for tap in range(taps):
            signs[out, tap] = -1 if (row[tap // 64] >> (tap % 64)) & 1 else 1
    return signs


def binary_conv(
    signs: Array,
    weight: Array,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    outside: int = 0,
) -> Array:
    """Dots of ±1 with ±1; a tap outside the image counts as `outside`."""
    around = np.full(signs.shape[3], outside)
    return _convolution(
        signs.astype(np.int64),
        weight.astype(np.int64),
        around,
        stride,
        padding,
        dilation,
        groups,
    )


def real_conv(
    x: Array,
    weight: Array,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    pad: Array | None = None,
) -> Array:
    """Float64 sums of reals; a tap outside the image reads `pad`, (in,), or adds nothing."""
    around = np.zeros(x.shape[3]) if pad is None else pad.astype(np.float64)
    return _convolution(
        x.astype(np.float64),
        weight.astype(np.float64),
        around,
        stride,
        padding,
        dilation,
        groups,
    )


def pixel_conv(
    pixels: Array,
    weight: Array,
    pad: Array,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Array:
    """Sums of pixels with integers; a tap outside the image reads `pad`, (in,)."""
    return _convolution(
        pixels.astype(np.int64),
        weight.astype(np.int64),
        pad.astype(np.int64),
        stride,
        padding,
        dilation,
        groups,
    )


def _convolution(
    x: Array,
    weight: Array,
    outside: Array,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Array:
    n, h, w, _ = x.shape
    out, kh, kw, per_group = weight.shape
    top, left, bottom, right = (*padding, *padding)[:4]
    oh = (h + top + bottom - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (w + left + right - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    sums = np.zeros((n, oh, ow, out), x.dtype)
    for y, z, ky, kx in np.ndindex(oh, ow, kh, kw):
        iy = y * stride[0] - top + ky * dilation[0]
        ix = z * stride[1] - left + kx * dilation[1]
        inside = 0 <= iy < h and 0 <= ix < w
        tap = x[:, iy, ix] if inside else np.tile(outside, (n, 1))
        for c in range(out):
            first = c // (out // groups) * per_group
            sums[:, y, z, c] += (tap[:, first : first + per_group] * weight[c, ky, kx]).sum(axis=1)
    return sums


def pool_max(dots: Array, kernel: Sequence[int], stride: Sequence[int]) -> Array:
    """Maximum over windows without padding."""
    n, h, w, channels = dots.shape
    oh, ow = (h - kernel[0]) // stride[0] + 1, (w - kernel[1]) // stride[1] + 1
    pooled = np.empty((n, oh, ow, channels), dots.dtype)
    for y in range(oh):
        for x in range(ow):
            top, left = y * stride[0], x * stride[1]
            window = dots[:, top : top + kernel[0], left : left + kernel[1]]
            pooled[:, y, x] = window.max(axis=(1, 2))
    return pooled
