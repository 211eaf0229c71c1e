"""Rows of numbers that the processes of one machine show each other, in memory that they share.

Where all are there, a round costs some microseconds: nobody sleeps, and no socket is asked.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import time
from contextlib import suppress

import torch
import torch.distributed as dist
from torch import Tensor

from signbit.runtime import _native

__all__ = ["ROW_BYTES", "SharedRows", "open_shared_rows"]

ROW_BYTES = 2**18
"""The most that a process shows in one round; it fits into a core's cache."""

_PLACE = 16
"""How many int64 of a process's meeting place lie together."""

_SLICE = 0.1
"""Seconds after which one who waits looks whether the others still live."""


class SharedRows:
    """A row of each process, in rounds: all show theirs, and each reads everybody's.

    Every process has to take part in every round, with a row of the same type and length. Each
    holds a lock on a byte of the memory's file, which the kernel takes away when the process ends,
    however it ends: so the others learn of it.
    """

    def __init__(self, file: int, rank: int, processes: int) -> None:
        """`file`: descriptor of `size_of(processes)` bytes, at first zeros, which is kept open."""
        self._file = os.fdopen(file, "r+b", buffering=0)
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, rank)
        size = self.size_of(processes)
        memory = torch.frombuffer(mmap.mmap(file, size), dtype=torch.uint8)
        places, rows = torch.split(
            memory, [size - 2 * processes * ROW_BYTES, 2 * processes * ROW_BYTES]
        )
        # As NumPy has it, which native code gets at faster.
        self._places = places.view(torch.int64)[: processes * _PLACE].view(-1, _PLACE).numpy()
        # Rows of even and of odd rounds: who shows one has read all of the round before.
        self._rows = {
            dtype: rows.view(dtype).view(2, processes, -1).unbind()
            for dtype in (torch.float32, torch.float64)
        }
        self._rank = rank
        self._round = 0

    @staticmethod
    def size_of(processes: int) -> int:
        """Bytes of memory for so many processes: their meeting places, in whole pages, and rows."""
        places = -(-8 * _PLACE * processes // mmap.PAGESIZE) * mmap.PAGESIZE
        return places + 2 * processes * ROW_BYTES

    def exchange(self, own: Tensor, limit: float) -> Tensor:
        """own (n,) of this process → (processes, n), in the order of ranks, until the next call.

        own: float32 or float64 on a CPU, at most ROW_BYTES. Where a process has ended, or does not
        come within `limit` seconds, it ends as torch.distributed's own calls do. Raises
        RuntimeError where rows differ in length.
        """
        self._round += 1
        rows = self._rows[own.dtype][self._round % 2][:, : len(own)]
        rows[self._rank].copy_(own)
        began = time.monotonic()
        while not self._met(own.nbytes, _SLICE):
            lost = self._lost()
            # One that has ended may have been there before, so it is asked in this order.
            if lost and not self._met(own.nbytes, 0.0):
                raise dist.DistBackendError(f"process {lost[0]} of this training has ended")
            if time.monotonic() - began > limit:
                raise dist.DistBackendError(f"a process did not come within {limit:.0f} seconds")
        return rows

    def _met(self, size: int, seconds: float) -> bool:
        return _native.training.meet(self._places, self._rank, self._round, size, seconds)

    def _lost(self) -> list[int]:
        """The ranks of processes that hold their locks no more."""
        found = []
        for rank in range(len(self._places)):
            if rank == self._rank:
                continue
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, rank)
            except OSError:
                continue
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, rank)
            found.append(rank)
        return found


def open_shared_rows() -> SharedRows | None:
    """Rows of all processes of torch.distributed; None where not all of them share a machine.

    Every process has to call it. The memory has no name in any folder, so it is gone when the last
    process has ended, however that ends.
    """
    rank, processes = dist.get_rank(), dist.get_world_size()
    file, number = -1, secrets.randbits(62)
    if rank == 0:
        file = _new_memory(number, SharedRows.size_of(processes))
    owner = torch.tensor([os.getpid(), file, number])
    dist.broadcast(owner, 0)
    if rank != 0:
        file = _memory_of(*owner.tolist())
    rows = None
    if file >= 0:
        with suppress(OSError):  # there may be no memory or locks for it
            rows = SharedRows(file, rank, processes)
    everybody = torch.tensor(int(rows is not None))
    dist.all_reduce(everybody, dist.ReduceOp.MIN)
    return rows if everybody else None


def _name(number: int) -> str:
    return f"signbit-{number}"


def _new_memory(number: int, size: int) -> int:
    """A descriptor of new memory; -1 where the system has none without a file."""
    if not hasattr(os, "memfd_create"):
        return -1
    try:
        file = os.memfd_create(_name(number))
    except OSError:
        return -1
    os.ftruncate(file, size)
    return file


def _memory_of(process: int, descriptor: int, number: int) -> int:
    """A descriptor of that process's memory; -1 where it is on another machine or out of reach."""
    path = f"/proc/{process}/fd/{descriptor}"
    try:
        if not os.readlink(path).startswith(f"/memfd:{_name(number)} "):
            return -1
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return -1
