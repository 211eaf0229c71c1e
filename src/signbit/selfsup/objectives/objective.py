"""What every objective is: an Embedder to train, and a loss of images without labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.errors import InputError
from signbit.selfsup.head import Embedder
from signbit.training.recipe.selfsup import temperature_in_range

__all__ = ["Losses", "Objective", "normalised", "require_temperature"]


@dataclass(frozen=True)
class Losses:
    """`total` is what a step minimises; `parts` are its terms by name, unweighted and detached.

    Averaged over processes, each is the mean over the images of the joined batch, and the averaged
    gradients are the joined batch's. With parts of one size it is the mean over the own images.
    """

    total: Tensor
    parts: dict[str, Tensor]


class Objective(nn.Module):
    """Base of the objectives. Call it as (query_pixels, key_pixels=None) → Losses.

    Its trainable parameters are those of `embedder`, the network that learns. Its buffers belong
    in a checkpoint. It may itself be wrapped by DistributedDataParallel.
    """

    needs_two_views = False
    """Whether a step takes `key_pixels`, a second view of the same images."""

    def __init__(self, embedder: Embedder) -> None:
        super().__init__()
        self.embedder = embedder

    def after_step(self) -> None:
        """Call this after each update of the parameters. An objective may do something then."""


def normalised(embedding: Tensor) -> Tensor:
    """Rows of (N, dim) at length 1, in float32 at least."""
    wide = embedding.to(torch.promote_types(embedding.dtype, torch.float32))
    return F.normalize(wide, dim=1)


def require_temperature(temperature: float) -> float:
    """`temperature`, if it is in the range that a recipe's is in, else InputError."""
    try:
        return temperature_in_range(temperature)
    except ValueError as error:
        raise InputError(str(error)) from None
