"""The charts of a report, as figures of matplotlib: for the page, and as files for a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from signbit.report.findings import Findings
from signbit.report.scores import Scores
from signbit.training.reports.curves import Curves, figure_of

__all__ = ["INK", "charts_of"]

_WIDTH = 7.0  # inches
INK = "#010203"
"""Drawn in place of black, and nowhere else, so that a page can give it the colour of its text."""
_INKED: Mapping[Any, Any] = {
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.facecolor": "none",
}
_BLUE, _ORANGE = "#4477aa", "#ee7733"
_NAMED = 20
"""With more classes or layers their names no longer fit beside an axis, and numbers stand there."""
_MOST_CLASSES = 60
"""Bars of classes; of more, the worst are drawn."""
_LONGEST = 32


def charts_of(findings: Findings) -> dict[str, Figure]:
    """Every chart that the findings have the figures for, by name; lines and text in `INK`."""
    with mpl.rc_context(dict(_INKED)):
        charts = _of_training(findings.curves) if findings.curves is not None else {}
        if findings.scores is not None:
            charts |= _of_answers(findings.scores)
        return charts | _of_layers(findings)


def _of_training(curves: Curves) -> dict[str, Figure]:
    charts = {"curves": figure_of([curves])}
    for name, measure, title in (
        ("signs", "inputs/{}/mean", "share of +1 in each layer's input, first test images"),
        ("flips", "flips/{}", "share of each layer's weights that flipped in the epoch"),
    ):
        if layers := _measured(curves, measure):
            figure, axes = _chart()
            _over_epochs(axes, layers, title)
            charts[name] = figure
    return charts


def _of_answers(scores: Scores) -> dict[str, Figure]:
    classes = len(scores.names)
    side = min(_WIDTH, 2.5 + 0.35 * classes)
    charts = {}
    charts["confusion"], axes = _chart(height=side, width=side)
    _confusion(axes, scores)
    charts["classes"], axes = _chart(height=_height(min(classes, _MOST_CLASSES)))
    _per_class(axes, scores)
    charts["reliability"], axes = _chart(height=4, width=4.5)
    _reliability(axes, scores)
    return charts


def _of_layers(findings: Findings) -> dict[str, Figure]:
    weighty = [layer for layer in findings.cost.layers if layer.bytes or layer.ops]
    names, nodes = [layer.name for layer in weighty], findings.nodes
    charts = {}
    for name, title, at, values in (
        ("bytes", "bytes in the file", names, [layer.bytes for layer in weighty]),
        ("operations", "OPs of an image: FLOPs + BOPs / 64", names, [w.ops for w in weighty]),
        (
            "times",
            f"milliseconds of an image, {findings.isa}",
            [node["name"] for node in nodes],
            [node["ms"] for node in nodes],
        ),
    ):
        charts[name], axes = _chart(height=_height(len(at)))
        _bars(axes, at, values, title)
    return charts


def _chart(*, height: float = 3.2, width: float = _WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _height(bars: int) -> float:
    return 1.0 + 0.22 * bars


def _measured(curves: Curves, measure: str) -> Mapping[str, tuple[list[int], list[float]]]:
    """Layer → its epochs and values."""
    before, after = measure.split("{}")
    names = dict.fromkeys(
        key.removeprefix(before).removesuffix(after)
        for entry in curves.epochs
        for key in entry
        if key.startswith(before) and key.endswith(after)
    )
    return {name: curves.of(measure.format(name)) for name in names}


def _over_epochs(
    axes: Axes, layers: Mapping[str, tuple[list[int], list[float]]], title: str
) -> None:
    """A line for each layer, from the first (blue) to the last (orange)."""
    first, last = np.array(to_rgb(_BLUE)), np.array(to_rgb(_ORANGE))
    for number, (name, (epochs, values)) in enumerate(layers.items()):
        part = number / max(1, len(layers) - 1)
        axes.plot(
            epochs,
            values,
            color=tuple(first + part * (last - first)),
            label=_short(name),
            linewidth=1.2,
        )
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=6, ncols=1 + len(layers) // 12, loc="center left", bbox_to_anchor=(1, 0.5))


def _confusion(axes: Axes, scores: Scores) -> None:
    confusion = scores.confusion()
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    # An empty cell is transparent, so that the chart reads on light and on dark pages.
    picture = np.empty((*share.shape, 4))
    picture[..., :3] = to_rgb(_BLUE)
    picture[..., 3] = share
    axes.imshow(picture, interpolation="nearest")
    axes.set_xlabel("answer")
    axes.set_ylabel("label")
    if len(scores.names) <= _NAMED:
        axes.set_xticks(range(len(scores.names)), [*map(_short, scores.names)], rotation=90)
        axes.set_yticks(range(len(scores.names)), [*map(_short, scores.names)])
        for row, column in zip(*np.nonzero(confusion), strict=True):
            axes.text(
                column, row, str(confusion[row, column]), ha="center", va="center", fontsize=7
            )


def _per_class(axes: Axes, scores: Scores) -> None:
    right = scores.per_class()
    order = np.argsort(np.where(np.isnan(right), 2, right), kind="stable")[:_MOST_CLASSES]
    names = [scores.names[index] for index in order]
    values = [float(right[index]) for index in order]
    _bars(axes, names, values, "share of each class that is right, the worst first")
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))


def _reliability(axes: Axes, scores: Scores) -> None:
    bins = scores.bins()
    axes.plot([0, 1], [0, 1], linestyle=":", color="gray")
    axes.plot([each.certainty for each in bins], [each.right for each in bins], "o-", color=_BLUE)
    title = f"calibration error {scores.calibration_error():.1%}"
    if scores.temperature != 1:
        before = replace(scores, temperature=1.0)
        places = [(each.certainty, each.right) for each in before.bins()]
        axes.plot(*zip(*places, strict=True), "o--", color="gray", markersize=3)
        title += f", {before.calibration_error():.1%} before (dashed)"
    axes.set_xlabel("highest probability")
    axes.set_ylabel("share of the answers that are right")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)


def _bars(axes: Axes, names: Sequence[str], values: Sequence[float], title: str) -> None:
    """Horizontal bars, the first on top."""
    places = range(len(names))
    axes.barh(places, values, color=_BLUE)
    axes.set_yticks(places, [_short(name) for name in names], fontsize=7)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _short(name: str) -> str:
    """A name that leaves room for the chart beside it: of a long one its end, which tells most."""
    return name if len(name) <= _LONGEST else "…" + name[1 - _LONGEST :]
