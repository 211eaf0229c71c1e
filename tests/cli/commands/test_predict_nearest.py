"""`signbit predict --nearest`: the most similar images of a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.conftest import TRAIN_EXTRA, Cli

from signbit.cli.main import run
from signbit.data import open_dataset
from signbit.selfsup.evaluation.features import extract
from signbit.selfsup.trained import load_backbone_run


@pytest.fixture(scope="session")
def features_file(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's backbone, compiled."""
    path = tmp_path_factory.mktemp("features") / "features.sbnn"
    assert run(["compile", str(run_folder), "--features", "-o", str(path), "--images", "8"]) == 0
    return path


@pytest.mark.slow
def test_the_most_similar_images_of_a_folder(
    cli: Cli, run_folder: Path, features_file: Path, photo: Path, album: Path
) -> None:
    result = cli("predict", features_file, photo, "--nearest", album, "--top", "4", "--json")
    figures = result.figures
    assert "left out" in result.err
    assert "07.png" in result.err
    assert (figures["images"], len(figures["skipped"])) == (29, 1)
    (found,) = figures["photos"]
    assert found["file"] == str(photo)
    # PyTorch's features of the run are in another order, and have the same cosines.
    kept = [index for index in range(30) if index != 7]
    test = open_dataset("digits", "test").take(np.array([5, *kept]))
    backbone = load_backbone_run(run_folder)
    features = extract(backbone.model, test, backbone.preprocessing, torch.device("cpu"))
    query, *others = features.values.double().numpy()
    expected = [query @ other / np.sqrt((query @ query) * (other @ other)) for other in others]
    best = np.argsort(-np.array(expected), kind="stable")[:4]
    assert [each["file"] for each in found["nearest"]] == [
        str(album / f"{kept[index]:02}.png") for index in best
    ]
    assert found["nearest"][0]["file"] == str(album / "05.png")
    assert [each["cosine"] for each in found["nearest"]] == pytest.approx(
        [expected[index] for index in best], abs=1e-5
    )


def test_similar_images_without_the_train_extra(
    fresh_cli: Cli, features_file: Path, photo: Path, album: Path
) -> None:
    arguments = ("predict", features_file, photo, "--nearest", album)
    shown = fresh_cli(*arguments, blocked=TRAIN_EXTRA)
    assert shown.code == 0, shown.err
    assert "05.png" in shown.out


def test_similar_images_by_a_classifiers_scores(
    cli: Cli, model_file: Path, photo: Path, album: Path
) -> None:
    figures = cli("predict", model_file, photo, "--nearest", album, "--top", "1", "--json").figures
    assert figures["photos"][0]["nearest"][0]["file"] == str(album / "05.png")


def test_a_folder_without_images(
    cli: Cli, features_file: Path, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    line = cli("predict", features_file, photo, "--nearest", tmp_path / "empty").mistake
    assert "empty: no images" in line
    assert "gone" in cli("predict", features_file, photo, "--nearest", tmp_path / "gone").mistake
