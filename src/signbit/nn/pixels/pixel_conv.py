"""The int16 stem: a first convolution on integer pixels, with int16 weights, exact everywhere.

Owns the named operation `signbit::pixel_conv2d`, which the compiler maps to the file's int16 stem,
and the module around it. How a trained convolution becomes one is in stem_rounding.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.bitformat.int16_stem import MAX_PIXEL
from signbit.errors import InputError

__all__ = ["PixelConv2d", "pixel_sums", "recover_pixels"]

Pair = tuple[int, int]


def recover_pixels(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Normalised images (N, C, H, W) back to whole pixels 0 … 255, in the images' own dtype."""
    deviations = torch.tensor(std, dtype=images.dtype, device=images.device).reshape(-1, 1, 1)
    means = torch.tensor(mean, dtype=images.dtype, device=images.device).reshape(-1, 1, 1)
    return ((images * deviations + means) * MAX_PIXEL).round().clamp(0, MAX_PIXEL)


def pixel_sums(
    images: Tensor,
    weight: Tensor,
    pad: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    """The integers D as float64 (N, out, H', W'), exact: all partial sums are below 2^32.

    images: normalised (N, in, H, W); weight: int16 (out, in / groups, kh, kw); pad: uint8 (in,).
    """
    outside = pad.double().reshape(-1, 1, 1)
    # With P taken off each pixel zero padding is right; Σ W·P over all taps is then added back.
    centred = recover_pixels(images, mean, std).double() - outside
    integers = weight.double()
    by_filter = outside.reshape(groups, 1, -1, 1, 1)
    grouped = integers.reshape(groups, -1, *integers.shape[1:])
    added_back = (grouped * by_filter).sum((2, 3, 4)).reshape(-1, 1, 1)
    geometry = list(stride), list(padding), list(dilation)
    return F.conv2d(centred, integers, None, *geometry, groups) + added_back


def _forward(
    images: Tensor,
    weight: Tensor,
    scale: Tensor,
    shift: Tensor,
    pad: Tensor,
    mean: Sequence[float],
    std: Sequence[float],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Tensor:
    sums = pixel_sums(images, weight, pad, mean, std, stride, padding, dilation, groups)
    return sums.float() * scale.reshape(-1, 1, 1) + shift.reshape(-1, 1, 1)


_pixel_conv2d = torch.library.custom_op(
    "signbit::pixel_conv2d",
    _forward,
    mutates_args=(),
    schema="(Tensor images, Tensor weight, Tensor scale, Tensor shift, Tensor pad, float[] mean,"
    " float[] std, int[2] stride, int[2] padding, int[2] dilation, int groups) -> Tensor",
)
_pixel_conv2d.register_fake(_forward)


def _backward(ctx: Any, grad: Tensor) -> NoReturn:
    raise NotImplementedError(
        "signbit::pixel_conv2d has no gradient: an int16 stem is a finished one; train the network "
        "with its float stem and round it afterwards"
    )


_pixel_conv2d.register_autograd(_backward)

for _device in ("cpu", "cuda"):
    # Under autocast too: bfloat16 cannot tell neighbouring pixels apart.
    _pixel_conv2d.register_autocast(_device, torch.float32)


class PixelConv2d(nn.Module):
    """A convolution of pixels with int16 weights: scale[c] · D[c] + shift[c], D an exact integer.

    Input: normalised float images (N, in, H, W), of whole pixels; output float32 (N, out, H', W').
    Inference only: nothing in it is trained (the rest of a network still can be), and a gradient
    with respect to the images raises NotImplementedError.
    """

    weight: Tensor
    """int16 (out, in / groups, kh, kw)"""
    scale: Tensor
    """float32 (out,)"""
    shift: Tensor
    """float32 (out,)"""
    pad: Tensor
    """uint8 (in,): what a tap outside the image reads"""

    def __init__(
        self,
        weight: Tensor,
        scale: Tensor,
        shift: Tensor,
        pad: Tensor,
        mean: Sequence[float],
        std: Sequence[float],
        stride: Pair = (1, 1),
        padding: Pair = (0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
    ) -> None:
        super().__init__()
        for name, given, dtype in (
            ("weight", weight, torch.int16),
            ("scale", scale, torch.float32),
            ("shift", shift, torch.float32),
            ("pad", pad, torch.uint8),
        ):
            if given.dtype != dtype:
                raise InputError(f"PixelConv2d: {name} must be {dtype}, is {given.dtype}")
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)
        self.register_buffer("shift", shift)
        self.register_buffer("pad", pad)
        self.mean = tuple(map(float, mean))
        self.std = tuple(map(float, std))
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.groups = groups

    def forward(self, images: Tensor) -> Tensor:
        if images.dim() != 4 or images.shape[1] != len(self.mean):
            raise InputError(
                f"PixelConv2d expects (N, {len(self.mean)}, H, W), got {tuple(images.shape)}"
            )
        result = _pixel_conv2d(
            images,
            self.weight,
            self.scale,
            self.shift,
            self.pad,
            self.mean,
            self.std,
            self.stride,
            self.padding,
            self.dilation,
            self.groups,
        )
        return cast(Tensor, result)

    def extra_repr(self) -> str:
        out, _, *kernel = self.weight.shape
        return (
            f"{len(self.mean)}, {out}, kernel_size={tuple(kernel)}, stride={self.stride}, "
            f"padding={self.padding}, dilation={self.dilation}, groups={self.groups}"
        )
