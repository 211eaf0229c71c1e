"""How a photograph becomes a network's input, by the rule in its file. Arrays need NumPy alone."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from signbit.errors import DataError, InputError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from signbit.bitformat.graph import Resize
    from signbit.runtime.engine import Engine

__all__ = ["Photographs", "resize_rule"]


def resize_rule(engine: Engine) -> Resize:
    """How the file says that a photo becomes its input; at another size it is cut as much.

    Raises InputError where the file does not say, or the network has other inputs beside it.
    """
    from signbit.bitformat.schema import from_json  # a call on arrays does without

    if len(engine.inputs) > 1:
        raise InputError(
            f"a photograph is one input, and the network has {len(engine.inputs)}: give arrays of "
            "their sizes to `signbit.load(...)` instead"
        )
    given = from_json(engine.graph_json).inputs[0]
    if given.resize is None:
        raise InputError(
            f"the network does not say how a photograph becomes its input {given.name!r}: give "
            "arrays of its size to `signbit.load(...)` instead"
        )
    size = engine.input_shape[:2]
    return given.resize if given.shape[:2] == size else given.resize.at_size(given.shape[:2], size)


class Photographs:
    """Makes arrays (H, W, C) of one network's input shape; see `Engine.predict` for what of."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._shape = engine.input_shape

    def __call__(self, image: object) -> npt.NDArray[Any]:
        """The input that an image is, or becomes.

        Raises DataError for a file that cannot be read or decoded, InputError for anything else
        that is no image, and where the file has no rule for photographs.
        """
        if isinstance(image, np.ndarray):
            if image.shape == self._shape or (*image.shape, 1) == self._shape:
                return image.reshape(self._shape)
            return self._fitted(_pixels(image, self._shape))
        from signbit.data.pixels import images

        if isinstance(image, (str, os.PathLike)):
            return self._fitted(images.decode(_read(os.fspath(image)), os.fsdecode(image)))
        if isinstance(image, (bytes, bytearray, memoryview)):
            return self._fitted(images.decode(bytes(image), "image"))
        if _is_picture(image):
            return self._fitted(images.pixels_of(image, "image"))
        raise InputError(
            "an image is a path, the bytes of a file, a NumPy array or a Pillow image, is "
            f"{type(image).__name__}"
        )

    def _fitted(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        from signbit.data.pixels.images import fit

        return fit(pixels, self._shape, self._rule)

    def require_rule(self) -> None:
        """Raise InputError where the file does not say how photographs become its input."""
        assert self._rule is not None

    @cached_property
    def _rule(self) -> Resize:
        return resize_rule(self._engine)


def _is_picture(image: object) -> TypeGuard[Picture]:
    """Whether it is a Pillow image; Pillow is not imported to find out."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(image, pillow.Image)


def _read(path: str | bytes) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except ValueError as error:
        raise DataError(f"{path!r}: a path cannot contain a null character") from error
    except OSError as error:
        name = os.fsdecode(path)
        raise DataError(f"{name}: cannot be read ({error.strerror}); give an image file") from error


def _pixels(image: npt.NDArray[Any], shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """A decoded photograph (H, W), (H, W, 1) or (H, W, 3) as uint8 (H, W, 1 or 3)."""
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3) or image.dtype != np.uint8 or not image.size:
        expected = ", ".join(map(str, shape))
        raise InputError(
            f"an array of one image must have shape ({expected}), or be uint8 (height, width) or "
            f"(height, width, 1 or 3), is {image.dtype} {image.shape}"
        )
    return image
