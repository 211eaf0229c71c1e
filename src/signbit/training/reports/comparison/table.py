"""What the runs of a comparison reached: one row per method, for people, papers and programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import signbit
from signbit.printable import printable
from signbit.training.recipe import Recipe
from signbit.training.recipe.identity import identity
from signbit.training.reports.comparison.runs import Finished
from signbit.training.schedule import in_words

__all__ = ["Row", "as_csv", "as_json", "as_latex", "as_markdown", "rows_of"]

_HEADS = (
    "method",
    "seeds",
    "top-1",
    "each seed",
    "best epoch",
    "train loss",
    "test loss",
    "s/epoch",
)
_TEXT = ("method", "each seed")
"""Columns that are no single number, which stand at the left."""


@dataclass(frozen=True)
class Row:
    """A method's figures over its seeds; top-1 is 0 … 1, on all test images.

    `top1` and `best` have one value per seed: after the last epoch, and after the best one, which
    papers tend to print. `std` is the standard deviation of `top1` with n − 1, None for one seed.
    `train_loss`, `test_loss` (last epoch) and `seconds` (an epoch's training) are means.
    """

    label: str
    seeds: list[int]
    top1: list[float]
    best: list[float]
    mean: float
    std: float | None
    train_loss: float
    test_loss: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Itself as JSON values, under the names of docs/commands.md."""
        return {
            "method": self.label,
            "seeds": self.seeds,
            "top1": self.mean,
            "top1_std": self.std,
            "top1_of_seeds": self.top1,
            "best_top1_of_seeds": self.best,
            "train_loss": self.train_loss,
            "loss": self.test_loss,
            "epoch_seconds": self.seconds,
        }


_LISTS = ("seeds", "top1_of_seeds", "best_top1_of_seeds")


def rows_of(runs: Sequence[Finished]) -> list[Row]:
    """One row for each label, the best mean first."""
    rows = []
    for label in dict.fromkeys(run.label for run in runs):
        own = sorted((run for run in runs if run.label == label), key=lambda run: run.recipe.seed)
        last = [run.history[-1] for run in own]
        top1 = [entry["top1"] for entry in last]
        mean = _mean(top1)
        rows.append(
            Row(
                label=label,
                seeds=[run.recipe.seed for run in own],
                top1=top1,
                best=[max(entry["top1"] for entry in run.history) for run in own],
                mean=mean,
                std=_deviation(top1, mean),
                train_loss=_mean([entry["train_loss"] for entry in last]),
                test_loss=_mean([entry["test_loss"] for entry in last]),
                seconds=_mean([entry["seconds"] for run in own for entry in run.history]),
            )
        )
    return sorted(rows, key=lambda row: -row.mean)


def as_markdown(rows: Sequence[Row], protocol: Recipe) -> str:
    """A table with the protocol above it; top-1 in percent."""
    rules = ("---" if head in _TEXT else "--:" for head in _HEADS)
    lines = [
        f"{_described(protocol)} {_MEANING}",
        "",
        f"| {' | '.join(_HEADS)} |",
        f"|{'|'.join(rules)}|",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def as_latex(rows: Sequence[Row], protocol: Recipe) -> str:
    """The same table for a paper, of LaTeX's package booktabs, with the protocol as a comment."""
    places = "".join("l" if head in _TEXT else "r" for head in _HEADS)
    lines = [
        f"% {printable(_described(protocol))} {_MEANING}",
        r"% \usepackage{booktabs}",
        rf"\begin{{tabular}}{{{places}}}",
        r"\toprule",
        rf"{' & '.join(map(_escaped, _HEADS))} \\",
        r"\midrule",
        *(rf"{' & '.join(map(_escaped, _cells(row)))} \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """The figures of `Row.to_dict` in full; a space is between the values of a list."""
    figures = [row.to_dict() for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*figures[0]] if figures else [], lineterminator="\n")
    writer.writeheader()
    for each in figures:
        lists = {key: " ".join(map(str, value)) for key, value in each.items() if key in _LISTS}
        writer.writerow(each | lists)
    return text.getvalue()


def as_json(rows: Sequence[Row], protocol: Recipe) -> str:
    """All figures with everything of the protocol that changes numbers."""
    shared: dict[str, Any] = identity(protocol)
    for key in ("method", "seed"):
        del shared[key]
    figures = {
        "protocol": shared,
        "rows": [row.to_dict() for row in rows],
        "versions": {"signbit": signbit.__version__, "torch": torch.__version__},
    }
    return json.dumps(figures, indent=1, ensure_ascii=False) + "\n"


_MEANING = (
    "Top-1 in percent after the last epoch, on all test images; ± is the standard deviation over "
    "seeds (n − 1)."
)


def _cells(row: Row) -> tuple[str, ...]:
    """Under `_HEADS`; top-1 in percent."""
    spread = "" if row.std is None else f" ± {100 * row.std:.2f}"
    return (
        row.label,
        str(len(row.seeds)),
        f"{100 * row.mean:.2f}{spread}",
        ", ".join(f"{100 * value:.2f}" for value in row.top1),
        f"{100 * _mean(row.best):.2f}",
        f"{row.train_loss:.3f}",
        f"{row.test_loss:.3f}",
        f"{row.seconds:.1f}",
    )


_LATEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "[": "{[}",  # which would be an argument of the line's end before it
    }
)


def _escaped(text: str) -> str:
    """Text that LaTeX sets as it stands."""
    return text.translate(_LATEX)


def _described(protocol: Recipe) -> str:
    optimizer = protocol.optimizer.model_dump(exclude_defaults=True)
    name = optimizer.pop("name")
    values = ", ".join(f"{key} {value}" for key, value in optimizer.items())
    epochs = f"{protocol.epochs} epoch{'' if protocol.epochs == 1 else 's'}"
    return (
        f"{protocol.network} on {Path(protocol.data.source).name}: {epochs}, batch "
        f"{protocol.batch_size}, {name} ({values}), {in_words(protocol.schedule)}."
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _deviation(values: Sequence[float], mean: float) -> float | None:
    if len(values) < 2:
        return None
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
