"""The joined batch, of which every process of a training holds a part, on any backend.

Its order is that of the processes. Where torch.distributed is not started there is one process.
Every process has to call these functions the same number of times.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["gather_parts", "mean_of_joined", "processes"]


def processes() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather_parts(part: Tensor) -> tuple[Tensor, list[int]]:
    """The rows of all processes, without gradient, and how many are each process's.

    part: (n, …) with any n on each process; the rest of the shape is the same.
    """
    if processes() == 1:
        return part.detach(), [len(part)]
    own = torch.tensor([len(part)], device=part.device)
    counts = [torch.empty_like(own) for _ in range(processes())]
    dist.all_gather(counts, own)
    sizes = [int(count) for count in torch.cat(counts).tolist()]
    # Backends gather tensors of one shape only.
    padded = part.new_zeros((max(sizes), *part.shape[1:]))
    padded[: len(part)] = part.detach()
    parts = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(parts, padded)
    return torch.cat([each[:size] for each, size in zip(parts, sizes, strict=True)]), sizes


def mean_of_joined(values: Tensor) -> Tensor:
    """This process's share of the mean over the joined batch; shares averaged are that mean.

    values: (…, n), one of each of this process's n images; the result has the shape without n.
    With parts of one size this is the plain mean of the own part. Gradients averaged over
    processes, as DistributedDataParallel does, are those of the joined batch's mean.
    """
    if processes() == 1:
        return values.mean(-1)
    images = torch.tensor(float(values.shape[-1]), device=values.device, dtype=values.dtype)
    dist.all_reduce(images)
    return values.sum(-1) * (processes() / images)
