import csv
import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from signbit import recipes
from signbit.training.recipe import Recipe
from signbit.training.reports.comparison.plot import curves_of, draw
from signbit.training.reports.comparison.runs import Finished
from signbit.training.reports.comparison.table import (
    as_csv,
    as_json,
    as_latex,
    as_markdown,
    rows_of,
)

PROTOCOL = recipes.load("comparison-cifar10", ["data.source=somewhere/cifar10", "epochs=2"])


def finished(label: str, seed: int, *top1: float) -> Finished:
    """A run whose test loss is 10 times its top-1 and whose train loss is its seed."""
    recipe: Recipe = PROTOCOL.model_copy(update={"seed": seed})
    history = [
        {"epoch": epoch, "top1": value, "test_loss": 10 * value, "train_loss": seed, "seconds": 4.0}
        for epoch, value in enumerate(top1, 1)
    ]
    return Finished(label, recipe, history)


RUNS = [
    finished("bnn", 0, 0.5, 0.25),
    finished("sdbnn", 2, 0.4, 0.56),
    finished("sdbnn", 0, 0.3, 0.50),
    finished("sdbnn", 1, 0.2, 0.56),
]


def test_rows_are_means_over_seeds_the_best_first() -> None:
    best, worst = rows_of(RUNS)
    assert (best.label, best.seeds, best.top1) == ("sdbnn", [0, 1, 2], [0.5, 0.56, 0.56])
    assert best.mean == pytest.approx(0.54)
    assert best.std == pytest.approx(0.0346410161)  # √((0.04² + 2 · 0.02²) / 2)
    assert (best.train_loss, best.seconds) == (1.0, 4.0)
    assert best.test_loss == pytest.approx(5.4)
    assert (worst.top1, worst.best, worst.std) == ([0.25], [0.5], None)


def test_markdown() -> None:
    text = as_markdown(rows_of(RUNS), PROTOCOL)
    assert text.splitlines() == [
        "resnet20 on cifar10: 2 epochs, batch 128, sgd (lr 0.1, weight_decay 0.0001, momentum "
        "0.9), cosine schedule. Top-1 in percent after the last epoch, on all test images; ± is "
        "the standard deviation over seeds (n − 1).",
        "",
        "| method | seeds | top-1 | each seed | best epoch | train loss | test loss | s/epoch |",
        "|---|--:|--:|---|--:|--:|--:|--:|",
        "| sdbnn | 3 | 54.00 ± 3.46 | 50.00, 56.00, 56.00 | 54.00 | 1.000 | 5.400 | 4.0 |",
        "| bnn | 1 | 25.00 | 25.00 | 50.00 | 0.000 | 2.500 | 4.0 |",
    ]
    steps = recipes.load("comparison-cifar10", ["schedule={at: [0.5, 0.75], factor: 0.1}"])
    assert "rate ×0.1 at 0.5, 0.75 of the run." in as_markdown([], steps)


def test_latex_sets_every_name_as_it_stands() -> None:
    odd = finished(r"a_b:c=1%&$#{}~^\[±", 0, 0.1, 0.2)
    lines = as_latex(rows_of([*RUNS, odd]), PROTOCOL).splitlines()
    assert lines[0].startswith("% resnet20 on cifar10: 2 epochs")
    assert lines[2:-2] == [
        r"\begin{tabular}{lrrlrrrr}",
        r"\toprule",
        r"method & seeds & top-1 & each seed & best epoch & train loss & test loss & s/epoch \\",
        r"\midrule",
        r"sdbnn & 3 & 54.00 $\pm$ 3.46 & 50.00, 56.00, 56.00 & 54.00 & 1.000 & 5.400 & 4.0 \\",
        r"bnn & 1 & 25.00 & 25.00 & 50.00 & 0.000 & 2.500 & 4.0 \\",
        r"a\_b:c=1\%\&\$\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}{[}$\pm$ "
        r"& 1 & 20.00 & 20.00 & 20.00 & 0.000 & 2.000 & 4.0 \\",
    ]
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]


def test_a_new_line_in_the_data_s_name_stays_in_the_comment() -> None:
    data = PROTOCOL.data.model_copy(update={"source": "a/b\n\\input{c}"})
    text = as_latex([], PROTOCOL.model_copy(update={"data": data}))
    assert not [line for line in text.splitlines() if line.startswith(r"\input")]


def test_csv_has_the_figures_in_full() -> None:
    best, worst = csv.DictReader(as_csv(rows_of(RUNS)).splitlines())
    assert {*best} == {*rows_of(RUNS)[0].to_dict()}
    assert (best["seeds"], best["top1_of_seeds"]) == ("0 1 2", "0.5 0.56 0.56")
    assert float(best["top1"]) == pytest.approx(0.54)
    assert worst["top1_std"] == ""
    assert as_csv([]).strip() == ""


def test_json_has_the_figures_and_the_protocol() -> None:
    figures = json.loads(as_json(rows_of(RUNS), PROTOCOL))
    assert [row["method"] for row in figures["rows"]] == ["sdbnn", "bnn"]
    assert figures["rows"][1]["top1_std"] is None
    assert figures["protocol"]["epochs"] == 2
    assert figures["protocol"]["network"] == "resnet20"
    assert not {"method", "seed", "description"} & {*figures["protocol"]}
    assert "somewhere" not in json.dumps(figures)


def lines(figure: Figure) -> dict[str, list[float]]:
    (axes,) = figure.axes
    return {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}


def test_curves_are_means_over_seeds(tmp_path: Path) -> None:
    figure = curves_of(RUNS)
    drawn = lines(figure)
    assert list(drawn) == ["sdbnn  54.00 ± 3.46", "bnn  25.00"]
    assert drawn["sdbnn  54.00 ± 3.46"] == pytest.approx([30, 54])
    assert drawn["bnn  25.00"] == pytest.approx([50, 25])
    assert len(figure.axes[0].collections) == 1  # the band of the one with several seeds
    draw(RUNS, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes()[:4] == b"\x89PNG"
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]
