"""Changes of colour, each image of a batch by a factor of its own, on any device.

Pictures are real (N, C, H, W) in 0 … 1, and so are the results; factors are (N,). The formulas are
those of Pillow's ImageEnhance, without its rounding to 8 bits in between.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["brightness", "contrast", "gray", "hue", "saturation"]

# ITU-R 601: how bright red, green and blue look.
_LUMA = (0.299, 0.587, 0.114)


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    """factor · x; 0 is black, 1 the picture itself."""
    return (images * _column(factors)).clamp(0, 1)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """mean + factor · (x − mean), with the mean of the picture's luma."""
    return _blended(images, gray(images).mean((1, 2, 3), keepdim=True), factors)


def saturation(images: Tensor, factors: Tensor) -> Tensor:
    """luma + factor · (x − luma) at every pixel; 0 is gray, as gray pictures are anyway."""
    return _blended(images, gray(images), factors)


def hue(images: Tensor, turns: Tensor) -> Tensor:
    """RGB pictures with every colour `turns` of a full turn further on the wheel of hues."""
    red, green, blue = images.unbind(1)
    value, strongest = images.max(1)
    chroma = value - images.amin(1)
    # Where there is no colour, any hue will do.
    safe = torch.where(chroma > 0, chroma, 1)
    sixths = torch.stack([green - blue, blue - red, red - green], 1) / safe[:, None]
    angle = sixths.gather(1, strongest[:, None])[:, 0] + 2 * strongest + 6 * turns[:, None, None]
    # Around the wheel, of six sixths, each channel is a trapezoid; red's begins at the fifth.
    place = torch.stack([(start + angle).remainder(6) for start in (5, 3, 1)], 1)
    falls = torch.minimum(place, 4 - place).clamp(0, 1)
    return value[:, None] - chroma[:, None] * falls


def gray(images: Tensor) -> Tensor:
    """The luma of RGB pictures, (N, 1, H, W); gray ones as they are."""
    if images.shape[1] == 1:
        return images
    # By numbers: a tensor of weights would have to be brought to the device, which waits for it.
    red, green, blue = images.unbind(1)
    return (_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue)[:, None]


def _blended(images: Tensor, other: Tensor, factors: Tensor) -> Tensor:
    return torch.lerp(other.expand_as(images), images, _column(factors)).clamp(0, 1)


def _column(factors: Tensor) -> Tensor:
    return factors[:, None, None, None]
