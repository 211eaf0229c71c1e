"""The keys of recent batches, against which a query is compared."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from signbit.errors import InputError

__all__ = ["KeyQueue"]


class KeyQueue(nn.Module):
    """A ring of `size` keys of length 1, first in, first out; `pointer` is where the next one goes.

    It starts with random keys of torch's global generator, as MoCo's does, so that the first steps
    have as many negatives as all others. `keys` (size, dim) and `pointer` () are buffers. Raises
    InputError for a size or dim below 1.
    """

    keys: Tensor
    pointer: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        if min(size, dim) < 1:
            raise InputError(f"a queue needs size and dim >= 1, got {size} and {dim}")
        self.register_buffer("keys", F.normalize(torch.randn(size, dim), dim=1))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Put normalised keys (N, dim) in, in their order, over the oldest ones.

        Any N: the ring wraps where N does not divide it, and where N is larger than the ring its
        last keys are what remains, as if they had come one by one.
        """
        size = len(self.keys)
        skipped = max(0, len(keys) - size)
        positions = torch.arange(skipped, len(keys), device=self.keys.device)
        positions = (self.pointer + positions) % size
        self.keys[positions] = keys[skipped:].to(self.keys.dtype)
        self.pointer.copy_((self.pointer + len(keys)) % size)

    def extra_repr(self) -> str:
        return f"size={self.keys.shape[0]}, dim={self.keys.shape[1]}"
