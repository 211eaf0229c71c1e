"""Images of every kind of memory that a layer may be given."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MEMORY: dict[str, Callable[[int, int, int, int], Tensor]] = {
    "contiguous": lambda n, c, h, w: torch.randn(n, c, h, w),
    "channels-last": lambda n, c, h, w: torch.randn(n, c, h, w).to(
        memory_format=torch.channels_last
    ),
    "slice": lambda n, c, h, w: torch.randn(n, c + 2, h + 1, 2 * w)[:, 1:-1, 1:, ::2],
    "channels-last slice": lambda n, c, h, w: torch.randn(n, c + 1, 2 * h, w + 1).to(
        memory_format=torch.channels_last
    )[:, 1:, ::2, 1:],
    "transposed": lambda n, c, h, w: torch.randn(n, c, w, h).transpose(2, 3),
    "expanded": lambda n, c, h, w: torch.randn(1, c, 1, 1).expand(n, c, h, w),
    "one channel expanded": lambda n, c, h, w: torch.randn(n, 1, h, w).expand(n, c, h, w),
}
"""Name -> (N, C, H, W) -> random images."""
