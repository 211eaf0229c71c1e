"""Shuffled batch normalisation: keys are normalised among other images than their queries.

Without it a network could tell a key by the statistics that it shares with its query (He et al.
2020, section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from torch import Tensor, nn

from signbit.selfsup.objectives.joined_batch import gather_parts, processes
from signbit.training.sync_batch_norm import SyncBatchNorm1d, SyncBatchNorm2d

__all__ = ["encode_joined"]


def encode_joined(
    network: nn.Module, encode: Callable[[Tensor], Tensor], own: Tensor
) -> tuple[Tensor, Tensor]:
    """What `encode`, which calls `network`, makes of the own images and of all processes'.

    own: this process's images (n, …). The results are (n, …) and (images of all, …), the latter in
    the order of the joined batch, without gradient. Where `network` normalises by the statistics of
    a process's own part, the images are first dealt to the processes at random, each as many as it
    had, by a permutation that process 0 draws from torch's global generator. In one process a batch
    has the same statistics in any order, and with synchronised ones, or in eval mode, the parts
    have too: then nothing is dealt.
    """
    if processes() == 1 or not _normalises_alone(network):
        rows = encode(own).detach()
        return rows, gather_parts(rows)[0]
    images, sizes = gather_parts(own)
    order = torch.randperm(len(images)) if dist.get_rank() == 0 else torch.zeros(len(images)).long()
    order = order.to(own.device)
    dist.broadcast(order, 0)
    dealt = images[torch.split(order, sizes)[dist.get_rank()]]
    rows, _ = gather_parts(encode(dealt))
    joined = torch.empty_like(rows)
    joined[order] = rows
    return torch.split(joined, sizes)[dist.get_rank()], joined


def _normalises_alone(network: nn.Module) -> bool:
    """Whether some batch normalisation uses its own process's statistics."""
    shared = (SyncBatchNorm1d, SyncBatchNorm2d, nn.SyncBatchNorm)
    return any(
        isinstance(module, nn.modules.batchnorm._BatchNorm)
        and module.training
        and not isinstance(module, shared)
        for module in network.modules()
    )
