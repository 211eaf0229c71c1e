"""What a training returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["RunResult"]


@dataclass(frozen=True)
class RunResult:
    """How a run ended: `top1` (0 … 1) and `loss` on the test split after its last epoch.

    `resumed_from` is the number of epochs that were already done when it started, so it equals
    `epochs` where there was nothing left to do. `seconds` is training time over all epochs.
    """

    path: Path
    epochs: int
    resumed_from: int
    top1: float
    loss: float
    seconds: float
    history: list[dict[str, float]]

    @classmethod
    def of(cls, path: Path, history: list[dict[str, float]], resumed_from: int) -> RunResult:
        """The result of the run in `path` with the epochs of `history`, one at least."""
        return cls(
            path=path,
            epochs=len(history),
            resumed_from=resumed_from,
            top1=history[-1]["top1"],
            loss=history[-1]["test_loss"],
            seconds=sum(entry["seconds"] for entry in history),
            history=history,
        )
