"""The images of a source that can be decoded, where a user asks to go on without the others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from signbit.data.loading.cache import cache_folder
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.fingerprint import combined
from signbit.data.loading.say import Say
from signbit.data.pixels.decoding import available_cores
from signbit.data.pixels.version import decoder_version
from signbit.errors import DataError

__all__ = ["Unreadable", "without_unreadable"]

Unreadable = Literal["refuse", "skip"]
"""What is done about images that cannot be decoded: all work ends, or goes on without them."""

# More names than this would push everything else off a screen.
_NAMED = 20


def without_unreadable(dataset: ImageDataset, say: Say) -> ImageDataset:
    """`dataset` but for the images that cannot be decoded, each of which `say` hears about.

    All images are decoded to find out, once: which ones are not good is kept in the cache folder
    under the source's fingerprint and the decoder's version. Those are tried again each time, as a
    file that could not be read may be readable by now. Raises DataError where none is left.
    """
    suspects = _kept(dataset)
    faults = _found(dataset, range(len(dataset)) if suspects is None else suspects)
    if suspects is None:
        _keep(dataset, list(faults))
    for fault in list(faults.values())[:_NAMED]:
        say(f"skipped: {fault}")
    if len(faults) > _NAMED:
        say(f"{dataset.source}: {len(faults)} images of the {dataset.split} split are skipped")
    if not faults:
        return dataset
    if len(faults) == len(dataset):
        raise DataError(
            f"{dataset.source}: none of the {len(dataset)} images of the {dataset.split} split can "
            "be decoded; save them as PNG or JPEG"
        )
    return dataset.take(_others(len(dataset), list(faults)))


def _others(count: int, left_out: list[int]) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(count), left_out)


def _found(dataset: ImageDataset, indices: Sequence[int]) -> dict[int, str]:
    """What is wrong with each image, of those at `indices`, that cannot be decoded."""

    def fault(index: int) -> str | None:
        try:
            dataset.read(index)
        except DataError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(available_cores()) as pool:
        told = zip(indices, pool.map(fault, indices), strict=True)
        return {index: text for index, text in told if text is not None}


def _kept(dataset: ImageDataset) -> list[int] | None:
    if dataset.fingerprint is None:
        return None
    try:
        indices = json.loads(_path(dataset.fingerprint).read_text())
    except (OSError, ValueError):
        return None
    whole = isinstance(indices, list) and all(index in range(len(dataset)) for index in indices)
    return indices if whole else None


def _keep(dataset: ImageDataset, indices: list[int]) -> None:
    if dataset.fingerprint is None:
        return
    path = _path(dataset.fingerprint)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(indices))


def _path(fingerprint: str) -> Path:
    return cache_folder() / f"unreadable-{combined(fingerprint, decoder_version())[:32]}.json"
