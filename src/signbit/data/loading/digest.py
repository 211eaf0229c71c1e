"""The digest by which a resumed run knows that its images and labels are the same."""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress

import numpy as np

from signbit.data.loading.batches import image_batches, in_order
from signbit.data.loading.cache import cache_folder
from signbit.data.loading.dataset import ImageDataset
from signbit.data.loading.fingerprint import combined
from signbit.data.loading.say import log

__all__ = ["content_digest"]

_SHA256 = re.compile(r"[0-9a-f]{64}")


def content_digest(dataset: ImageDataset) -> str:
    """SHA-256 of all pixels, then all labels (int64), of a data set with images of one size.

    Where worker processes decode the images this reads all of them, so that a broken one shows
    before training, and the result is kept in the cache folder under the source's fingerprint.
    """
    if dataset.workers == 0 or dataset.fingerprint is None:
        return _computed(dataset)
    shape = dataset.read(0).shape
    labels = hashlib.sha256(dataset.labels.tobytes()).hexdigest()
    key = combined(dataset.fingerprint, shape, labels)
    kept = cache_folder() / f"digest-{key[:32]}.txt"
    with suppress(OSError, UnicodeDecodeError):
        text = kept.read_text("ascii")
        if _SHA256.fullmatch(text):
            return text
    log(f"{dataset.source}: reading all {len(dataset)} {dataset.split} images, once")
    digest = _computed(dataset)
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Not written beside: what is not 64 digits is not read.
        kept.write_text(digest, "ascii")
    return digest


def _computed(dataset: ImageDataset) -> str:
    digest = hashlib.sha256()
    for batch in image_batches(dataset, in_order(len(dataset))):
        digest.update(np.ascontiguousarray(batch).data)
    digest.update(dataset.labels.tobytes())
    return digest.hexdigest()
