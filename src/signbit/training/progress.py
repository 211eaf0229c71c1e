"""What a person sees while a run trains: a bar on a terminal, one line per epoch everywhere.

All of it goes to stderr; stdout belongs to the command's results.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from signbit.printable import encodable, printable
from signbit.training.runs.log import RunLog

__all__ = ["TrainingProgress"]

# Which measures a line shows, as what, in which form; a kind of training has some of them.
_SHOWN = (
    ("test_loss", "test loss", ".4f"),
    ("top1", "top-1", ".2%"),
    ("validation_loss", "validation loss", ".4f"),
    ("knn_top1", "kNN top-1", ".2%"),
    ("teacher/agreement", "agreement", ".2%"),
)


class TrainingProgress:
    """A context manager around a run of `epochs` epochs of `steps` steps, `done` of them finished.

    Silent where `show` is false; without a terminal there are lines but no bar. The log gets every
    line, shown or not.
    """

    def __init__(
        self, epochs: int, steps: int, done: int, *, show: bool, log: RunLog | None = None
    ) -> None:
        self._console = Console(stderr=True, quiet=not show)
        self._log = log
        self._epochs = epochs
        width = self._console.width
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            *[column for least, column in _columns() if width >= least],
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
        if self._log is not None:
            self._log.say(text)
        self._show(text)

    def _show(self, text: str) -> None:
        shown = encodable(printable(text), self._console.encoding)
        self._console.print(shown, soft_wrap=True, markup=False, highlight=False, emoji=False)

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
        """An epoch is done; `entry` is its line of the history.

        On a terminal that the line does not fit, it goes on in a second one between two measures.
        """
        measures = [
            f"epoch {entry['epoch']:.0f}/{self._epochs}",
            f"loss {entry['train_loss']:.4f}",
            *(f"{title} {entry[name]:{form}}" for name, title, form in _SHOWN if name in entry),
            f"lr {entry['lr']:.3g}",
            f"{entry['seconds']:.1f} s",
            f"input wait {entry['wait']:.1%}",
        ]
        if self._log is not None:
            self._log.say("  ".join(measures))
        line = measures[0]
        for measure in measures[1:]:
            longer = f"{line}  {measure}"
            if self._console.is_terminal and len(longer) > self._console.width:
                self._show(line)
                longer = f"  {measure}"
            line = longer
        self._show(line)


def _columns() -> list[tuple[int, ProgressColumn]]:
    """What stands behind the bar, and from how many columns of the terminal on."""
    return [
        (100, MofNCompleteColumn()),
        (0, TextColumn("loss {task.fields[loss]:.3f}")),
        (60, TextColumn("{task.fields[rate]:.0f} images/s")),
        (75, TextColumn("input wait {task.fields[wait]:.1%}")),
    ]
