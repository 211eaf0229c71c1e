"""What a model takes, and the tensors that it is given: images normalised, reals as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from signbit.bitformat.graph import Pair, Resize, Shape
from signbit.compiler.axes import USUAL
from signbit.compiler.exporting.exported import normalise

__all__ = ["ImageInput", "ModelInput", "Numbers", "RealInput", "Size"]

Size = SupportsIndex | Sequence[SupportsIndex]
Numbers = float | Sequence[float] | npt.NDArray[Any]


@dataclass(frozen=True)
class ImageInput:
    """Images that a model takes as (x / 255 − mean) / std of pixels x, (N, C, H, W).

    size: (height, width, channels), or (height, width) or the side of a square where mean or std
    says how many channels there are. mean, std: one per channel, or a number for all, std > 0, in
    units where 255 is 1. resize: how a photograph becomes this input; by default its shorter side
    is scaled to the larger side of the input, and the centre is cut out.
    """

    size: Size
    mean: Numbers
    std: Numbers
    resize: Resize | None = None


@dataclass(frozen=True)
class RealInput:
    """Real values that a model takes as they are.

    size: F, or (F,), for vectors (N, F); (length, channels) for signals (N, C, L); (height, width,
    channels) for maps (N, C, H, W).
    """

    size: Size


@dataclass(frozen=True)
class ModelInput:
    """One input of a model and of its file, checked."""

    name: str
    shape: Shape
    """(height, width, channels), as the file has it"""
    rank: int = 3
    """How many dimensions a sample has in PyTorch: channels, then columns, then rows."""
    mean: tuple[float, ...] = ()
    """One per channel; empty for reals."""
    std: tuple[float, ...] = ()
    resize: Resize | None = None
    """How a photograph becomes an image."""

    @property
    def kind(self) -> str:
        """As the file calls it."""
        return "image" if self.std else "real"

    def at(self, size: Pair) -> ModelInput:
        """The same for images of another height and width."""
        return replace(self, shape=(*size, self.shape[2]))

    def tensor(self, samples: npt.NDArray[Any]) -> Tensor:
        """What the model is given for samples (N, H, W, C): pixels normalised, reals moved."""
        if self.std:
            return normalise(samples, self.mean, self.std)
        moved = torch.from_numpy(np.ascontiguousarray(samples)).permute(0, 3, 1, 2)
        return moved.reshape(len(samples), *self._sizes).contiguous()

    def zeros(self, count: int) -> Tensor:
        """So many samples as the model takes them, all 0."""
        return torch.zeros(count, *self._sizes)

    @property
    def _sizes(self) -> list[int]:
        sizes = dict(zip("HWC", self.shape, strict=True))
        return [sizes[axis] for axis in USUAL[self.rank]]
