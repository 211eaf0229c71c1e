"""From images without labels to a one-bit file that finds similar ones: every command, in order."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from tests.cli.conftest import Cli

from signbit.data import open_dataset

SHORT = ("train_images=256", "batch_size=32")


@pytest.mark.slow
def test_the_whole_chain(cli: Cli, tmp_path: Path) -> None:
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    made = cli("pretrain", "moco-digits", "--out", teacher, "epochs=2", *SHORT, "--json").figures
    assert made["epochs"] == 2
    guided = f"selfsup.guided.teacher={teacher}"
    words = ("epochs=1", guided, *SHORT, "--json")
    made = cli("pretrain", "s2bnn-guided-digits", "--out", student, *words).figures
    assert made["knn_top1"] > 0.5  # ten classes
    assert (student / "stage-1").is_dir()

    probe = cli("probe", student, "--epochs", "20", "--json").figures
    assert probe["top1"] > 0.6
    features, classifier = tmp_path / "features.sbnn", tmp_path / "model.sbnn"
    compiled = cli("compile", student, "--features", "-o", features, "--images", "32", "--json")
    assert compiled.figures["agreement"]["agrees"]
    own = ("--probe", probe["probe"], "-o", classifier)
    compiled = cli("compile", student, *own, "--images", "32", "--json")
    assert compiled.figures["agreement"]["agrees"]

    evaluated = cli("evaluate", classifier, "--data", "digits", "--json").figures
    assert evaluated["top1"] == pytest.approx(probe["top1"], abs=0.02)

    photos, wanted = written_digits(tmp_path / "photos")
    found = cli("predict", features, wanted, "--nearest", photos, "--top", "3", "--json").figures
    assert (found["images"], found["skipped"]) == (20, [])
    best, *others = found["photos"][0]["nearest"]
    assert best["file"] == str(wanted)
    assert best["cosine"] == pytest.approx(1)
    assert all(other["cosine"] < 1 - 1e-6 for other in others)

    plot = tmp_path / "curves.png"
    drawn = cli("curves", teacher, student, "-o", plot, "--json").figures
    assert {each["run"]: each["epochs"] for each in drawn["runs"]} == {
        str(teacher): 2,
        str(student): 2,
    }  # both stages
    assert plot.read_bytes().startswith(b"\x89PNG")


def written_digits(folder: Path) -> tuple[Path, Path]:
    """A folder with two test images of every class, as PNG files, and one of the files."""
    folder.mkdir()
    digits = open_dataset("digits", "test")
    for label in range(10):
        for index in (digits.labels == label).nonzero()[0][:2]:
            Image.fromarray(digits.images[index, :, :, 0]).save(folder / f"{label}-{index}.png")
    return folder, max(folder.iterdir())
