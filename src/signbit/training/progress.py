"""What a person sees while a run trains: a bar on a terminal, one line per epoch everywhere.

All of it goes to stderr; stdout belongs to the command's results.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["TrainingProgress"]

# Which measures a line shows, as what, in which form; a kind of training has some of them.
_SHOWN = (
    ("test_loss", "test loss", ".4f"),
    ("top1", "top-1", ".2%"),
    ("knn_top1", "kNN top-1", ".2%"),
    ("teacher/agreement", "agreement", ".2%"),
)


class TrainingProgress:
    """A context manager around a run of `epochs` epochs of `steps` steps, `done` of them finished.

    Silent where `show` is false; without a terminal there are lines but no bar.
    """

    def __init__(self, epochs: int, steps: int, done: int, *, show: bool) -> None:
        self._console = Console(stderr=True, quiet=not show)
        self._epochs = epochs
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TextColumn("{task.fields[rate]:.0f} images/s"),
            TextColumn("input wait {task.fields[wait]:.1%}"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not (show and self._console.is_terminal),
        )
        # One bar over the whole run, so that the time remaining is the run's.
        self._task = self._bar.add_task(
            "training",
            total=epochs * steps,
            completed=done * steps,
            loss=float("nan"),
            rate=0.0,
            wait=0.0,
        )

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """One line of text."""
        self._console.print(text, soft_wrap=True, markup=False, highlight=False)

    def step(self, epoch: int, loss: float, images_per_second: float, wait: float) -> None:
        """One step of epoch `epoch` (from 0) is done; `wait` is as in the history."""
        self._bar.update(
            self._task,
            advance=1,
            description=f"epoch {epoch + 1}/{self._epochs}",
            loss=loss,
            rate=images_per_second,
            wait=wait,
        )

    def epoch(self, entry: dict[str, float]) -> None:
        """An epoch is done; `entry` is its line of the history."""
        measured = "".join(
            f"{title} {entry[name]:{form}}  " for name, title, form in _SHOWN if name in entry
        )
        self.say(
            f"epoch {entry['epoch']:.0f}/{self._epochs}  loss {entry['train_loss']:.4f}  {measured}"
            f"lr {entry['lr']:.3g}  {entry['seconds']:.1f} s  input wait {entry['wait']:.1%}"
        )
