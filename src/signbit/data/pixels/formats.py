"""Which formats of images are read: one list for photos, for folders and for what a row holds."""

from __future__ import annotations

from functools import cache

from PIL import Image

__all__ = ["image_endings", "is_read"]

# No pictures, or left by Pillow to programs such as Ghostscript, which a stranger's file shall not
# start. IM is about to go.
_NOT_READ = {"BUFR", "EPS", "GRIB", "HDF5", "IM", "IPTC", "MPEG", "WMF"}


def is_read(image_format: str | None) -> bool:
    """Whether images of Pillow's format are taken; those of no format were made in memory."""
    return image_format not in _NOT_READ


@cache
def image_endings() -> frozenset[str]:
    """The endings of file names (".jpg") of every format that Pillow reads, plugins included."""
    Image.init()
    opened = {*Image.OPEN, "MPO"}  # the latter by the decoder of JPEG
    return frozenset(
        ending
        for ending, image_format in Image.registered_extensions().items()
        if image_format in opened and is_read(image_format)
    )
