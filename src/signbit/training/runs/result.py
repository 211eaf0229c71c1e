"""What a training returns."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from signbit.training.runs.best_epoch import kept_epoch

__all__ = ["RunResult"]


@dataclass(frozen=True)
class RunResult:
    """How a run ended; `history` has what was measured after each epoch.

    The network, and so `top1` and `loss`, are those of the last one, or with `early_stopping` of
    `kept`, the best.

    `resumed_from` is the number of epochs that were already done when it started, so it equals
    `epochs` where there was nothing left to do. `seconds` is training time over all epochs.
    """

    path: Path
    epochs: int
    resumed_from: int
    seconds: float
    history: list[dict[str, float]]

    @classmethod
    def of(cls, path: Path, history: list[dict[str, float]], resumed_from: int) -> RunResult:
        """The result of the run in `path` with the epochs of `history`, one at least."""
        return cls(
            path=path,
            epochs=len(history),
            resumed_from=resumed_from,
            seconds=sum(entry["seconds"] for entry in history),
            history=history,
        )

    @property
    def kept(self) -> int:
        """The epoch, from 1, that the network is of."""
        return kept_epoch(self.history)

    @property
    def top1(self) -> float:
        """Share of the test images, 0 … 1, that are right after training with labels."""
        return self.history[self.kept - 1]["top1"]

    @property
    def loss(self) -> float:
        """Mean loss on the test images after training with labels."""
        return self.history[self.kept - 1]["test_loss"]

    @property
    def knn_top1(self) -> float | None:
        """Top-1 by nearest neighbours, 0 … 1, after the last epoch of training without labels.

        None where the images have no labels to measure it by.
        """
        return self.history[-1].get("knn_top1")
