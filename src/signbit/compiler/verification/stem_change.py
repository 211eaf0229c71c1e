"""What rounding a network's stem to int16 changed: answers of PyTorch before against after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from signbit.compiler.exporting.exported import normalise
from signbit.compiler.verification.cosine import cosines, median

__all__ = ["StemChange", "compare_stems"]

_BATCH_SIZE = 100


@dataclass(frozen=True)
class StemChange:
    """Images through PyTorch, with the float32 stem and with the int16 one."""

    images: int
    changed: int
    """Images whose top class, or largest feature, is another one."""
    cosines: tuple[float, ...]
    """The cosine of each image's outputs before and after."""
    float32_top1: float | None
    """Share of labels met with the float32 stem, 0 to 1; None without labels."""
    int16_top1: float | None

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values."""
        return {
            "images": self.images,
            "disagreements": self.changed,
            "float32_top1": self.float32_top1,
            "int16_top1": self.int16_top1,
            "median_cosine": median(list(self.cosines)),
        }


def compare_stems(
    float32: nn.Module,
    int16: nn.Module,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer] | None,
    *,
    mean: Sequence[float],
    std: Sequence[float],
) -> StemChange:
    """Run both models, in evaluation mode, on images (N, H, W, C) with labels (N,), or none."""
    changed, alike = 0, list[float]()
    correct = {"float32": 0, "int16": 0}
    for first in range(0, len(images), _BATCH_SIZE):
        chosen = slice(first, first + _BATCH_SIZE)
        batch = normalise(images[chosen], mean, std)
        with torch.inference_mode():
            before, after = (model(batch).flatten(1).numpy() for model in (float32, int16))
        changed += int((before.argmax(1) != after.argmax(1)).sum())
        alike += cosines(before, after)
        if labels is not None:
            correct["float32"] += int((before.argmax(1) == labels[chosen]).sum())
            correct["int16"] += int((after.argmax(1) == labels[chosen]).sum())
    shares = {
        stem: None if labels is None else count / max(1, len(images))
        for stem, count in correct.items()
    }
    return StemChange(len(images), changed, tuple(alike), shares["float32"], shares["int16"])
