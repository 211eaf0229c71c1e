"""One image: encoded bytes to pixels, and a photograph to a network's input size.

The rule of `fit` is the one that an `.sbnn` file records (docs/format.md).
"""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from signbit.bitformat.graph import INTERPOLATIONS, Resize
from signbit.data.pixels.aliased import scaled_aliased
from signbit.data.pixels.deep import is_deep, upper_bits
from signbit.data.pixels.formats import is_read
from signbit.errors import DataError, InputError

__all__ = ["RESIZE_RULE", "Resize", "decode", "fit", "pixels_of"]

RESIZE_RULE = "torchvision"
"""The name of how `fit` rounds, in `.sbnn` files and in the keys of caches."""

_RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
}
_GRAY_MODES = {"1", "L", "LA"}
# Up to this aspect ratio the whole picture is resized, beyond it only what the cut needs.
_ELONGATED = 64


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Pixels of an encoded image (JPEG, PNG, …): uint8, (H, W, 1) if it is gray, else (H, W, 3).

    `name` is what an error calls the image. Transparency is dropped, a palette is looked up, the
    picture is turned as its EXIF data says, of 9 to 16 bits the upper 8 are kept, and of several
    frames the first. Raises DataError where the bytes are not an image, are none at all, end too
    early, unpack to far more pixels than a photograph has, or hold gray values that are signed,
    floating-point, wider than 16 bits, or so small that nothing but black would be left.
    """
    if not data:
        raise DataError(f"{name}: not a readable image (it is empty)")
    try:
        with Image.open(io.BytesIO(data)) as image:
            if not is_read(image.format):
                raise UnidentifiedImageError
            # Pillow warns of so many, and a filter that makes it an error is no thread's own.
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or math.inf):
                raise Image.DecompressionBombError
            return pixels_of(image, name)
    except DataError:
        raise
    except UnidentifiedImageError as error:
        raise DataError(f"{name}: not a readable image (its format is unknown)") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise DataError(f"{name}: too many pixels for a photo; scale it down first") from error
    except Exception as error:  # of any type: each format has a decoder of its own
        raise DataError(f"{name}: not a readable image ({error})") from error


def pixels_of(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """`decode` of an image that Pillow has opened already. Raises what Pillow does, too."""
    turned = ImageOps.exif_transpose(image)
    if is_deep(image):
        pixels = upper_bits(image, turned, name)
    else:
        mode = "L" if image.mode in _GRAY_MODES else "RGB"
        pixels = np.asarray(turned.convert(mode), dtype=np.uint8)
    return pixels.reshape(pixels.shape[0], pixels.shape[1], -1)


def fit(
    image: NDArray[np.uint8], input_size: tuple[int, int, int], resize: Resize
) -> NDArray[np.uint8]:
    """Scale a photograph, cut its centre or put bars beside it, match the channels; see `Resize`.

    Sizes are rounded as by torchvision's Resize and CenterCrop: the scaled longer side down, the
    corner of the cut to the nearest pixel, halves to the even one.
    `image` is uint8 (H, W, 1 or 3), the result uint8 of `input_size` = (height, width, channels).
    Pillow's `bilinear` and `bicubic` are antialiased when they shrink, unless `resize.aliased`.
    Gray becomes RGB by repeating, RGB becomes gray by ITU-R 601 luma. Raises InputError where the
    scaled photograph is too small to cut from.
    """
    height, width, channels = input_size
    if resize.interpolation not in INTERPOLATIONS:
        choices, given = ", ".join(INTERPOLATIONS), resize.interpolation
        raise InputError(f"interpolation {given!r} is unknown; use one of: {choices}")
    if channels not in (1, 3):
        raise InputError(f"an input has 1 or 3 channels, not {channels}")
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    picture = picture.convert("L" if channels == 1 or resize.colours == "gray" else "RGB")
    size = _scaled_size(resize, picture.size, (width, height))
    if resize.letterbox is not None:
        return _framed(_scaled(picture, size, (0, 0, *size), resize), input_size, resize)
    if size[0] < width or size[1] < height:
        raise InputError(
            f"an image of {image.shape[1]}×{image.shape[0]} resized to {_way(resize)} does not "
            f"cover the input of {width}×{height}"
        )
    left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
    pixels = _scaled(picture, size, (left, top, left + width, top + height), resize)
    return _channels(pixels, channels, resize)


def _way(resize: Resize) -> str:
    if resize.both_sides is not None:
        return f"{resize.both_sides[1]}×{resize.both_sides[0]}"
    return f"a shorter side of {resize.shorter_side}"


def _scaled_size(resize: Resize, size: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
    """(width, height) that a photograph is scaled to, for an input of the wanted size."""
    (width, height), (across, down) = size, wanted
    if resize.both_sides is not None:
        return resize.both_sides[1], resize.both_sides[0]
    if resize.letterbox is not None:
        # To nearest, halves up; no less than a pixel.
        if height * across >= width * down:
            return max((2 * width * down + height) // (2 * height), 1), down
        return across, max((2 * height * across + width) // (2 * width), 1)
    shorter = min(size)
    if resize.shorter_side in (None, shorter):
        return size
    return width * resize.shorter_side // shorter, height * resize.shorter_side // shorter


def _scaled(
    picture: Image.Image,
    size: tuple[int, int],
    cut: tuple[int, int, int, int],
    resize: Resize,
) -> NDArray[np.uint8]:
    """The part `cut` of a picture scaled to `size`: (height, width), or with 3 channels behind."""
    if size == picture.size:
        return np.asarray(picture.crop(cut))
    if resize.aliased and resize.interpolation != "nearest":
        return scaled_aliased(np.asarray(picture), size, cut, resize.interpolation)
    resampling = _RESAMPLING[resize.interpolation]
    if resize.shorter_side is None or max(picture.size) <= _ELONGATED * min(picture.size):
        # Columns first, whatever order Pillow's release prefers: rounding depends on it.
        columns = picture.resize((size[0], picture.height), resampling)
        return np.asarray(columns.resize(size, resampling).crop(cut))
    return np.asarray(_resized_part(picture, size, cut, resampling))


def _channels(pixels: NDArray[np.uint8], channels: int, resize: Resize) -> NDArray[np.uint8]:
    """(H, W, channels) of pixels (H, W) or (H, W, 3)."""
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], channels, axis=2)
    return np.ascontiguousarray(pixels[..., ::-1]) if resize.colours == "bgr" else pixels


def _framed(
    pixels: NDArray[np.uint8], input_size: tuple[int, int, int], resize: Resize
) -> NDArray[np.uint8]:
    """Pixels in the middle of an input of the bars' colour."""
    framed = np.empty(input_size, np.uint8)
    framed[...] = np.array(resize.letterbox, np.uint8)
    height, width = pixels.shape[:2]
    top, left = (input_size[0] - height) // 2, (input_size[1] - width) // 2
    framed[top : top + height, left : left + width] = _channels(pixels, input_size[2], resize)
    return framed


def _resized_part(
    picture: Image.Image,
    size: tuple[int, int],
    cut: tuple[int, int, int, int],
    resampling: Image.Resampling,
) -> Image.Image:
    """`picture.resize(size).crop(cut)` in memory bounded by the cut, equal but for rounding."""
    horizontal, vertical = picture.width / size[0], picture.height / size[1]
    box = (cut[0] * horizontal, cut[1] * vertical, cut[2] * horizontal, cut[3] * vertical)
    # Pillow holds a box in single precision, so long pictures are cut near it first, with a margin
    # for the filter's reach.
    reach_x, reach_y = int(horizontal) + 2, int(vertical) + 2
    near = (
        max(int(box[0]) - reach_x, 0),
        max(int(box[1]) - reach_y, 0),
        min(int(box[2]) + reach_x, picture.width),
        min(int(box[3]) + reach_y, picture.height),
    )
    inside = (box[0] - near[0], box[1] - near[1], box[2] - near[0], box[3] - near[1])
    part, (width, height) = picture.crop(near), (cut[2] - cut[0], cut[3] - cut[1])
    columns = part.resize((width, part.height), resampling, (inside[0], 0, inside[2], part.height))
    return columns.resize((width, height), resampling, (0, inside[1], width, inside[3]))
