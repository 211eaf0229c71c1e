"""How runs went: what their records have of every epoch, drawn side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from signbit.errors import CheckpointError
from signbit.training.reports.pictures import write_png

__all__ = ["Curves", "draw", "figure_of", "read_curves"]

_METRICS = "metrics.jsonl"

_PANELS = {
    "top1": "top-1 on the test images",
    "knn_top1": "top-1 of nearest neighbours",
    "train_loss": "training loss",
    "test_loss": "loss on the test images",
    "validation_top1": "top-1 on the validation images",
    "validation_loss": "loss on the validation images",
    "loss/contrastive": "contrastive loss",
    "loss/guided": "guided loss",
    "teacher/kl": "KL(teacher ‖ student), nats",
    "teacher/agreement": "largest dimension is the teacher's, share",
    "embedding/deviation": "standard deviation of the embedding",
    "embedding/rank": "effective rank of the embedding",
    "features/rank": "effective rank of the features",
}
"""Measure → what its panel is called; one panel each where some run has it, in this order."""

_COLUMNS = 3


@dataclass(frozen=True)
class Curves:
    """A run's records: `epochs` of all stages, one after another, `stages` their lengths."""

    folder: Path
    epochs: tuple[Mapping[str, float], ...]
    stages: tuple[int, ...]

    def of(self, measure: str) -> tuple[list[int], list[float]]:
        """Epochs, from 1, that have `measure`, and its values."""
        found = [
            (number, entry[measure])
            for number, entry in enumerate(self.epochs, 1)
            if measure in entry
        ]
        return [number for number, _ in found], [value for _, value in found]


def read_curves(run: str | Path) -> Curves:
    """The records of a run folder and of the folders of its earlier stages.

    Raises CheckpointError where it is no run folder, has no finished epoch or is damaged.
    """
    path = Path(run)
    if not (path / "recipe.yaml").is_file() and not (path / "stage-1" / "recipe.yaml").is_file():
        raise CheckpointError(
            f"{path}: not a run folder (no recipe.yaml in it); name one that has been trained"
        )
    stages = (stage for stage in path.glob("stage-*") if stage.name[6:].isdecimal())
    earlier = sorted(stages, key=lambda stage: int(stage.name[6:]))
    parts = [
        _records(folder / _METRICS) for folder in (*earlier, path) if (folder / _METRICS).is_file()
    ]
    if not any(parts):
        raise CheckpointError(f"{path}: no epoch is finished yet, so there is nothing to draw")
    epochs = tuple(entry for part in parts for entry in part)
    return Curves(path.resolve(), epochs, tuple(map(len, parts)))


def _records(path: Path) -> list[dict[str, float]]:
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return [{str(key): float(value) for key, value in line.items()} for line in lines]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error})") from error


def draw(runs: Sequence[Curves], path: Path) -> None:
    """Write `figure_of` as a PNG, by `write_png`."""
    write_png(figure_of(runs), path, dpi=120)


def figure_of(runs: Sequence[Curves]) -> Figure:
    """One panel per measure, one line per run; a dotted line where a stage of any run ends."""
    shown = [name for name in _PANELS if any(name in entry for run in runs for entry in run.epochs)]
    rows = -(-len(shown) // _COLUMNS)
    columns = min(_COLUMNS, len(shown))
    figure = Figure(figsize=(4.2 * columns, 3.0 * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    labelled = list(zip(_labels(runs), runs, strict=True))
    for axes, name in zip(grid.flat, shown, strict=False):
        _panel(axes, name, labelled)
    for axes in grid.flat[len(shown) :]:
        axes.remove()
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 4))
    return figure


def _labels(runs: Sequence[Curves]) -> list[str]:
    """The ends of the runs' paths, as many folders of each as tell all of them apart.

    A name that begins with "_" gets a space in front, as matplotlib's legends leave such ones out.
    """
    parts = [run.folder.parts for run in runs]
    most = max(map(len, parts))
    ends = ([str(Path(*path[-count:])) for path in parts] for count in range(1, most + 1))
    found = next(labels for labels in ends if len(set(labels)) == len(set(parts)))
    return [f" {label}" if label.startswith("_") else label for label in found]


def _panel(axes: Axes, measure: str, runs: Sequence[tuple[str, Curves]]) -> None:
    axes.set_title(_PANELS[measure], fontsize=10)
    for number, (label, run) in enumerate(runs):
        # Also where it has no such measure, so that colours and the legend are the same everywhere.
        axes.plot(*run.of(measure), marker="o", markersize=3, label=label, color=f"C{number}")
    for end in sorted({end for _, run in runs for end in accumulate(run.stages[:-1])}):
        axes.axvline(end + 0.5, linestyle=":", color="gray", linewidth=1)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
