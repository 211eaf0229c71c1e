"""What processes tell each other in every step: rows of numbers, and their sums.

On one machine's CPUs it goes through memory that they share, elsewhere by torch.distributed. All
processes get the same bits. Every process has to call these functions the same number of times.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from signbit.fast.shared_rows import ROW_BYTES, SharedRows, open_shared_rows
from signbit.training import processes

__all__ = ["rows_of_all", "share_gradients", "sum_over_processes"]

_opened: WeakKeyDictionary[dist.ProcessGroup, SharedRows | None] = WeakKeyDictionary()


def rows_of_all(own: Tensor) -> Tensor:
    """own (n,) of this process → (processes, n), in the order of ranks, until the next call."""
    rows = _shared(own) if own.nbytes <= ROW_BYTES else None
    if rows is not None:
        return rows.exchange(own, processes.TIMEOUT.total_seconds())
    parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, own)
    return torch.stack(parts)


def sum_over_processes(values: Tensor) -> None:
    """values (n,) to the sum of all processes' values, in place."""
    rows = _shared(values)
    if rows is None:
        dist.all_reduce(values)
        return
    for part in torch.split(values, ROW_BYTES // values.element_size()):
        first, *others = rows.exchange(part, processes.TIMEOUT.total_seconds())
        part.copy_(first)
        for other in others:
            part.add_(other)


def share_gradients(model: nn.Module) -> None:
    """Let a DistributedDataParallel average gradients by `sum_over_processes` where that is faster.

    Other modules are left alone, and so is one whose gradients travel by torch.distributed anyway.
    """
    if not isinstance(model, DistributedDataParallel):
        return
    if all(_shared(parameter) is not None for parameter in model.parameters()):
        # It wants a hook whose annotations are classes, or that has none.
        model.register_comm_hook(None, lambda _, bucket: _averaged(bucket.buffer()))


def _averaged(gradients: Tensor) -> torch.futures.Future[Tensor]:
    gradients.div_(dist.get_world_size())
    sum_over_processes(gradients)
    done: torch.futures.Future[Tensor] = torch.futures.Future()
    done.set_result(gradients)
    return done


def _shared(values: Tensor) -> SharedRows | None:
    """The rows through which such values go; None where they go by torch.distributed."""
    if not values.is_cpu or values.dtype not in (torch.float32, torch.float64):
        return None
    group = dist.group.WORLD
    assert group is not None
    if group not in _opened:
        _opened[group] = open_shared_rows()
    return _opened[group]
