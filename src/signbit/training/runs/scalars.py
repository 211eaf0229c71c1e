"""Curves for TensorBoard, beside metrics.jsonl: one file of events per start of the run."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from signbit.training.runs import whole_files

__all__ = ["Scalars"]


class Scalars:
    """Writes into `folder`; points from step `purge_from` on that are already there are hidden.

    Each method raises CheckpointError where the folder cannot be written.
    """

    def __init__(self, folder: Path, purge_from: int) -> None:
        self._folder = folder
        self._told_before = threading.excepthook
        threading.excepthook = self._tell
        with whole_files.writing(folder):
            self._writer = SummaryWriter(str(folder), purge_step=purge_from)

    def add(self, name: str, value: float, step: int) -> None:
        """One point; it may reach the disk later."""
        with whole_files.writing(self._folder):
            self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Every point is in the file from now on."""
        with whole_files.writing(self._folder):
            self._writer.flush()

    def close(self) -> None:
        """Stop writing. Points since the last flush are lost where the disk is full."""
        with suppress(OSError):
            self._writer.close()
        if threading.excepthook == self._tell:
            threading.excepthook = self._told_before

    def _tell(self, failed: threading.ExceptHookArgs) -> None:
        """Leave out the thread that TensorBoard writes by: `add` and `flush` tell why it ended."""
        of_tensorboard = type(failed.thread).__module__.startswith("tensorboard.")
        if not (of_tensorboard and isinstance(failed.exc_value, OSError)):
            self._told_before(failed)
