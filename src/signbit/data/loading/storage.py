"""Where fitted images are while a network sees them: memory, a mapped cache, or nowhere.

What is nowhere is decoded by worker processes, each time that it is needed.
"""

from __future__ import annotations

import os

from signbit.bitformat.schema import plain_resize
from signbit.data.loading.cache import cached
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.fingerprint import combined
from signbit.data.loading.say import Say, log
from signbit.data.pixels import decoding, images
from signbit.data.pixels.version import decoder_version
from signbit.errors import DataError

__all__ = ["stored"]

# Decoding this much takes less than half a second, and no file is worth that.
_SMALL = 16 << 20
# What may be decoded into memory where there is no room for a cache.
_SHARE_OF_MEMORY = 0.25


def stored(
    dataset: ImageDataset,
    input_size: tuple[int, int, int],
    resize: images.Resize,
    *,
    workers: int | None,
    say: Say | None = None,
) -> ImageDataset:
    """`dataset` with every image at `input_size` (H, W, C), as `workers` says.

    0: decoded once. Up to 16 MiB, and images that were never encoded, are held in memory, others
    in a cache that is mapped (signbit.data.loading.cache); where that has no room, in memory too.
    n > 0: decoded by n processes, every time. None: as 0, or by one process per core where neither
    the cache nor a quarter of the memory has room. Raises DataError where 0 was asked for and there
    is no room. `say` hears what takes long or went wrong; by default a logger does.
    """
    say = say or log
    read = dataset.reader(input_size, resize)
    height, width, channels = input_size
    shape = (len(dataset), height, width, channels)
    size = len(dataset) * height * width * channels
    rule = (plain_resize(resize), images.RESIZE_RULE, decoder_version())
    key = dataset.fingerprint and combined(dataset.fingerprint, shape, *rule)
    if not workers:
        if key is None or size <= _SMALL:
            return dataset.fitted(input_size, resize)
        pixels = cached(key, shape, lambda: decoding.decoded(read, len(dataset)), say)
        if pixels is not None:
            return ImageDataset.from_arrays(
                pixels,
                dataset.labels,
                dataset.class_names,
                source=dataset.source,
                split=dataset.split,
            )
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if size <= _SHARE_OF_MEMORY * memory:
            return dataset.fitted(input_size, resize)
        if workers == 0:
            raise DataError(
                f"{dataset.source}: {len(dataset)} decoded images of the {dataset.split} split "
                f"take {size / 1e9:.1f} GB, which neither the cache's disk nor memory can spare; "
                "set SIGNBIT_CACHE to a larger disk, or data.workers to 1 or more"
            )
        workers = decoding.available_cores()
        say(f"{dataset.source}: {workers} processes decode the {dataset.split} images as needed")
    return ImageDataset(
        read,
        dataset.labels,
        dataset.class_names,
        source=dataset.source,
        split=dataset.split,
        fingerprint=key,
        workers=workers,
    )
