"""Independent oracles of convolutions: loops over taps, nothing shared with signbit."""

from __future__ import annotations

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
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Array:
    """Dots (N, oh, ow, out) of ±1 (N, h, w, in) with ±1 (out, kh, kw, in/groups), zero padding."""
    n, h, w, _ = signs.shape
    out, kh, kw, per_group = weight.shape
    oh = (h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    dots = np.zeros((n, oh, ow, out), np.int64)
    for c in range(out):
        group = c // (out // groups)
        channels = slice(group * per_group, (group + 1) * per_group)
        for y in range(oh):
            for x in range(ow):
                for ky in range(kh):
                    for kx in range(kw):
                        iy = y * stride[0] - padding[0] + ky * dilation[0]
                        ix = x * stride[1] - padding[1] + kx * dilation[1]
                        if 0 <= iy < h and 0 <= ix < w:
                            products = signs[:, iy, ix, channels] * weight[c, ky, kx]
                            dots[:, y, x, c] += products.sum(axis=1)
    return dots


def real_conv(
    x: Array,
    weight: Array,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Array:
    """Float64 sums (N, oh, ow, out) of reals (N, h, w, in) with (out, kh, kw, in/groups).

    A tap outside the image adds nothing.
    """
    n, h, w, _ = x.shape
    out, kh, kw, per_group = weight.shape
    oh = (h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    sums = np.zeros((n, oh, ow, out), np.float64)
    for y, z, ky, kx in np.ndindex(oh, ow, kh, kw):
        iy = y * stride[0] - padding[0] + ky * dilation[0]
        ix = z * stride[1] - padding[1] + kx * dilation[1]
        if 0 <= iy < h and 0 <= ix < w:
            for c in range(out):
                first = c // (out // groups) * per_group
                tap = x[:, iy, ix, first : first + per_group].astype(np.float64)
                sums[:, y, z, c] += tap @ weight[c, ky, kx].astype(np.float64)
    return sums


def pixel_conv(
    pixels: Array,
    weight: Array,
    pad: Array,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
) -> Array:
    """Sums (N, oh, ow, out) of pixels (N, h, w, in) with integers (out, kh, kw, in/groups).

    A tap outside the image reads `pad`, (in,).
    """
    n, h, w, _ = pixels.shape
    out, kh, kw, per_group = weight.shape
    oh = (h + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (w + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    sums = np.zeros((n, oh, ow, out), np.int64)
    for y, x, ky, kx in np.ndindex(oh, ow, kh, kw):
        iy = y * stride[0] - padding[0] + ky * dilation[0]
        ix = x * stride[1] - padding[1] + kx * dilation[1]
        inside = 0 <= iy < h and 0 <= ix < w
        tap = (pixels[:, iy, ix] if inside else np.tile(pad, (n, 1))).astype(np.int64)
        for c in range(out):
            first = c // (out // groups) * per_group
            products = tap[:, first : first + per_group] * weight[c, ky, kx].astype(np.int64)
            sums[:, y, x, c] += products.sum(axis=1)
    return sums


def pool_max(dots: Array, kernel: tuple[int, int], stride: tuple[int, int]) -> Array:
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
