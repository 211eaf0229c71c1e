"""What rounding a network's stem to int16 changed: answers of PyTorch before against after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from signbit.compiler.exported import normalise

__all__ = ["StemChange", "compare_stems"]

_BATCH_SIZE = 100


@dataclass(frozen=True)
class StemChange:
    """Labelled images through PyTorch, with the float32 stem and with the int16 one."""

    images: int
    changed: int
    """Images whose top class is another one."""
    float32_correct: int
    int16_correct: int

    @property
    def float32_top1(self) -> float:
        """Share of labels met with the float32 stem, 0 to 1."""
        return self.float32_correct / self.images if self.images else 0.0

    @property
    def int16_top1(self) -> float:
        """Share of labels met with the int16 stem, 0 to 1."""
        return self.int16_correct / self.images if self.images else 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "images": self.images,
            "changed": self.changed,
            "float32_top1": self.float32_top1,
            "int16_top1": self.int16_top1,
        }


def compare_stems(
    float32: nn.Module,
    int16: nn.Module,
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer],
    *,
    mean: Sequence[float],
    std: Sequence[float],
) -> StemChange:
    """Run both models, in evaluation mode, on images (N, H, W, C) with labels (N,)."""
    changed = float32_correct = int16_correct = 0
    for first in range(0, len(images), _BATCH_SIZE):
        chosen = slice(first, first + _BATCH_SIZE)
        batch = normalise(images[chosen], mean, std)
        with torch.inference_mode():
            before = float32(batch).argmax(1).numpy()
            after = int16(batch).argmax(1).numpy()
        changed += int((before != after).sum())
        float32_correct += int((before == labels[chosen]).sum())
        int16_correct += int((after == labels[chosen]).sum())
    return StemChange(len(images), changed, float32_correct, int16_correct)
