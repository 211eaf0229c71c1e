"""One image: encoded bytes to pixels, and a photograph to a network's input size.

The rule of `fit` is the one that an `.sbnn` file records (docs/format.md).
"""

from __future__ import annotations

import io
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from signbit.errors import DataError, InputError

__all__ = ["Interpolation", "decode", "fit"]

Interpolation = Literal["bilinear", "nearest"]

_RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
}
_GRAY_MODES = {"1", "L", "LA", "I", "I;16", "F"}


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Pixels of an encoded image (JPEG, PNG, …): uint8, (H, W, 1) if it is gray, else (H, W, 3).

    `name` is what an error calls the image. Transparency is dropped, a palette is looked up, the
    picture is turned as its EXIF data says.
    Raises DataError where the bytes are not an image or end too early.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            mode = "L" if image.mode in _GRAY_MODES else "RGB"
            upright = ImageOps.exif_transpose(image).convert(mode)
            pixels = np.asarray(upright, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{name}: not a readable image ({error})") from error
    return pixels.reshape(pixels.shape[0], pixels.shape[1], -1)


def fit(
    image: NDArray[np.uint8],
    input_size: tuple[int, int, int],
    resize_shorter_side: int,
    interpolation: Interpolation = "bilinear",
) -> NDArray[np.uint8]:
    """Scale the shorter side, cut the centre, match the channels.

    `image` is uint8 (H, W, 1 or 3), the result uint8 of `input_size` = (height, width, channels).
    Pillow's `bilinear` is antialiased when it shrinks. Gray becomes RGB by repeating, RGB becomes
    gray by ITU-R 601 luma. Raises InputError where the shorter side would be too short to cut from.
    """
    height, width, channels = input_size
    if interpolation not in get_args(Interpolation):
        choices = ", ".join(get_args(Interpolation))
        raise InputError(f"interpolation {interpolation!r} is unknown; use one of: {choices}")
    if channels not in (1, 3):
        raise InputError(f"an input has 1 or 3 channels, not {channels}")
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    picture = picture.convert("L" if channels == 1 else "RGB")
    shorter = min(picture.size)
    if shorter != resize_shorter_side:
        # Integer rounding to nearest keeps the shorter side exact for every aspect ratio.
        scaled = [
            (2 * side * resize_shorter_side + shorter) // (2 * shorter) for side in picture.size
        ]
        picture = picture.resize((scaled[0], scaled[1]), _RESAMPLING[interpolation])
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    if left < 0 or top < 0:
        raise InputError(
            f"an image of {image.shape[1]}×{image.shape[0]} resized to a shorter side of "
            f"{resize_shorter_side} does not cover the input of {width}×{height}"
        )
    pixels = np.asarray(picture.crop((left, top, left + width, top + height)), dtype=np.uint8)
    return pixels.reshape(height, width, channels)
