"""What decides on the pixels that an encoded image becomes, besides its bytes."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageFile, features

from signbit.data.pixels import aliased, deep, images

__all__ = ["decoder_version"]

_LIBRARIES = ("avif", "jpg", "jpg_2000", "libjpeg_turbo", "libtiff", "webp", "zlib")


def decoder_version() -> tuple[str, ...]:
    """Words that change with Pillow, its libraries and limits, and our own code that decodes.

    Whatever is kept of decoded images is kept under them.
    """
    return (
        features.version("pil") or "",
        *(f"{name} {features.version(name)}" for name in _LIBRARIES),
        f"truncated {ImageFile.LOAD_TRUNCATED_IMAGES}, at most {Image.MAX_IMAGE_PIXELS} pixels",
        *(Path(each.__file__ or "").read_text("utf-8") for each in (images, aliased, deep)),
    )
