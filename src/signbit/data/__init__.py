"""Labelled images from any source, as uint8 arrays with their class names.

Importing this package needs NumPy and Pillow only; the transforms and the loader (torch) are
modules of their own.
"""

from signbit.data.dataset import ImageDataset
from signbit.data.images import decode, fit
from signbit.data.preprocessing import Preprocessing
from signbit.data.sources import open_dataset

__all__ = ["ImageDataset", "Preprocessing", "decode", "fit", "open_dataset"]
