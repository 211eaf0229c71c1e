"""A comparison's curves: top-1 on the test images after every epoch, one colour per method."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from signbit.training.reports.comparison.runs import Finished
from signbit.training.reports.comparison.table import rows_of
from signbit.training.reports.pictures import write_png

__all__ = ["curves_of", "draw"]


def draw(runs: Sequence[Finished], path: Path) -> None:
    """Write `curves_of` as a PNG, by `write_png`."""
    write_png(curves_of(runs), path, dpi=150)


def curves_of(runs: Sequence[Finished]) -> Figure:
    """Each method's mean over seeds, and a band of one standard deviation (n − 1).

    The legend has the table's order and figures.
    """
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot(
        xlabel="epoch", ylabel="top-1 on the test images, %", title=runs[0].recipe.network
    )
    for row in rows_of(runs):
        curves = 100 * np.array(
            [[entry["top1"] for entry in run.history] for run in runs if run.label == row.label]
        )
        epochs = np.arange(1, curves.shape[1] + 1)
        mean = curves.mean(0)
        spread = "" if row.std is None else f" ± {100 * row.std:.2f}"
        label = f"{row.label}  {100 * row.mean:.2f}{spread}"
        (line,) = axes.plot(epochs, mean, marker="o", markersize=3, label=label)
        if len(curves) > 1:
            band = curves.std(0, ddof=1)
            axes.fill_between(
                epochs, mean - band, mean + band, color=line.get_color(), alpha=0.2, linewidth=0
            )
    axes.grid(alpha=0.3)
    axes.legend(title="after the last epoch", loc="lower right")
    return figure
