"""Curves of runs: read from their records, stage after stage, and drawn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from signbit.errors import CheckpointError
from signbit.training.reports.curves import draw, figure_of, read_curves


def write(folder: Path, *entries: dict[str, float]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.yaml").write_text("of a run")
    (folder / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return folder


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    run = tmp_path / "guided"
    write(run / "stage-1", {"train_loss": 4.0, "teacher/kl": 0.5})
    write(run, {"train_loss": 3.0, "teacher/kl": 0.25}, {"train_loss": 2.0, "knn_top1": 0.5})
    return run


def test_stages_follow_one_another(staged: Path) -> None:
    curves = read_curves(staged)
    assert (curves.folder.name, curves.stages) == ("guided", (1, 2))
    assert curves.of("train_loss") == ([1, 2, 3], [4.0, 3.0, 2.0])
    assert curves.of("teacher/kl") == ([1, 2], [0.5, 0.25])
    assert curves.of("knn_top1") == ([3], [0.5])
    assert curves.of("top1") == ([], [])


def test_ten_stages_are_in_their_order(tmp_path: Path) -> None:
    for number in range(1, 11):
        write(tmp_path / f"stage-{number}", {"train_loss": float(number)})
    assert read_curves(tmp_path).of("train_loss")[1] == [float(n) for n in range(1, 11)]


def test_a_panel_for_each_measure_and_a_line_for_each_run(staged: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "moco", {"train_loss": 7.0, "knn_top1": 0.25, "wait": 0.1})
    figure = figure_of([read_curves(staged), read_curves(other)])
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["top-1 of nearest neighbours", "training loss", "KL(teacher ‖ student), nats"]
    loss = figure.axes[1]
    first, second, end_of_stage = loss.get_lines()
    assert [list(line.get_ydata()) for line in (first, second)] == [[4.0, 3.0, 2.0], [7.0]]
    assert list(end_of_stage.get_xdata()) == [1.5, 1.5]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["guided", "moco"]


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    entry = {"train_loss": 1.0}
    runs = [write(tmp_path / part, entry) for part in ("a/guided/0", "b/guided/0", "b/moco/0")]
    figure = figure_of([read_curves(run) for run in (*runs, runs[0])])
    (legend,) = figure.legends
    shown = [text.get_text() for text in legend.get_texts()]
    assert shown == ["a/guided/0", "b/guided/0", "b/moco/0", "a/guided/0"]


def test_stages_of_every_run_are_marked_once(staged: Path, tmp_path: Path) -> None:
    plain = write(tmp_path / "moco", {"train_loss": 7.0})
    figure = figure_of([read_curves(run) for run in (plain, staged, staged)])
    ends = [list(line.get_xdata()) for line in figure.axes[1].get_lines()[3:]]
    assert ends == [[1.5, 1.5]]


def test_a_folder_beside_the_stages_is_none(staged: Path) -> None:
    for name in ("stage-1.bak", "stage-old"):
        write(staged / name, {"train_loss": 9.0})
    assert read_curves(staged).stages == (1, 2)


def test_epochs_are_whole_numbers(staged: Path) -> None:
    ticks = figure_of([read_curves(staged)]).axes[0].get_xticks()
    assert all(tick == int(tick) for tick in ticks)


def test_the_picture_replaces_the_old_one(staged: Path, tmp_path: Path) -> None:
    path = tmp_path / "curves.png"
    path.write_text("old")
    draw([read_curves(staged)], path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300
    assert sorted(child.name for child in tmp_path.iterdir()) == ["curves.png", "guided"]


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a run folder"):
        read_curves(tmp_path)
    with pytest.raises(CheckpointError, match="no epoch is finished yet"):
        read_curves(write(tmp_path / "begun"))
    for text in ("{", "[1]", '{"train_loss": "low"}'):
        folder = write(tmp_path / "damaged")
        (folder / "metrics.jsonl").write_text(text)
        with pytest.raises(CheckpointError, match=r"metrics.jsonl: cannot be read"):
            read_curves(folder)


def test_names_are_shown_as_they_are(tmp_path: Path) -> None:
    names = ["_hidden", r"$\frac{$", "a_b^c$x$"]
    runs = [read_curves(write(tmp_path / name, {"train_loss": 1.0})) for name in names]
    (legend,) = figure_of(runs).legends
    assert [text.get_text().strip() for text in legend.get_texts()] == names
    draw(runs, tmp_path / "curves.png")
