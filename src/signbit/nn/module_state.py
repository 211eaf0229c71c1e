"""Running a network to learn something about it, without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

__all__ = ["unchanged"]


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Every module's mode and every buffer are afterwards as they were before."""
    training = {module: module.training for module in model.modules()}
    buffers = [buffer.clone() for buffer in model.buffers()]
    try:
        yield
    finally:
        for module, mode in training.items():
            module.training = mode
        with torch.no_grad():
            for buffer, before in zip(model.buffers(), buffers, strict=True):
                buffer.copy_(before)
