"""Labelled images from any source, as uint8 arrays with their class names.

Importing this package needs NumPy and Pillow only; the transforms and the loader (torch) are
modules of their own.
"""

from signbit.errors import MissingExtraError

try:
    import PIL  # noqa: F401
except ImportError as error:
    raise MissingExtraError.of("PIL", "signbit.data") from error

from signbit.data.loading.dataset import ImageDataset
from signbit.data.pixels.images import decode, fit
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.sources.any_source import open_dataset
from signbit.data.sources.arrays import in_memory
from signbit.data.sources.named import register

__all__ = [
    "ImageDataset",
    "Preprocessing",
    "decode",
    "fit",
    "in_memory",
    "open_dataset",
    "register",
]
