"""Gray pictures of more than 8 bits per pixel: the upper 8 bits of what their file can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from signbit.errors import DataError

__all__ = ["is_deep", "upper_bits"]

_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO = 0
_SIGNED = 2
# Of these Pillow's 32-bit mode holds values that are stretched to 16 bits.
_STRETCHED = {"PNG", "PPM"}


def is_deep(image: Image.Image) -> bool:
    """Whether its pixels are one number each that may not be one of 0 … 255."""
    return image.mode == "F" or image.mode.startswith("I") or _signed(image)


def upper_bits(image: Image.Image, turned: Image.Image, name: str) -> NDArray[np.uint8]:
    """uint8 (H, W) of `turned`, which is `image` as its EXIF data turns it; `name` is for errors.

    Of an image of b bits, 9 to 16, the upper 8 are kept: value div 2^(b − 8), where b is what its
    file says and not what its values need. Raises DataError where the file has no such range, that
    is for signed, 32-bit and floating-point pixels, and where nothing but black would be left of a
    picture that is not.
    """
    tags = _tags(image)
    if image.mode == "F":
        raise _refused(name, "floating-point pixels")
    if _signed(image):
        raise _refused(name, "signed pixels")
    if not image.mode.startswith("I;16") and image.format not in _STRETCHED:
        raise _refused(name, "32-bit pixels")
    bits = int(tags.get(_BITS_PER_SAMPLE, (16,))[0])
    wide = np.asarray(turned)
    pixels = (wide >> (bits - 8)).astype(np.uint8)
    if wide.any() and not pixels.any():
        raise DataError(
            f"{name}: its {bits}-bit pixels end at {wide.max()}, which is black; stretch them to "
            f"0 … {2**bits - 1}, or save it with 8 bits per channel"
        )
    # Pillow turns such pictures of up to 8 bits into black-is-zero ones, and leaves these.
    return 255 - pixels if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else pixels


def _tags(image: Image.Image) -> Mapping[int, Any]:
    """A TIFF's; of other pictures none."""
    return getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}


def _signed(image: Image.Image) -> bool:
    return _SIGNED in _tags(image).get(_SAMPLE_FORMAT, ())


def _refused(name: str, what: str) -> DataError:
    return DataError(
        f"{name}: has {what}, whose black and white are not known; save it with 8 or 16 bits per "
        "channel"
    )
