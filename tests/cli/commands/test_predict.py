from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.bitformat.samples import sample
from tests.cli.conftest import TRAIN_EXTRA, Cli

import signbit
from signbit.bitformat import encode
from signbit.bitformat.graph import GraphOutput
from signbit.cli.main import run
from signbit.data import open_dataset
from signbit.selfsup.evaluation.features import extract
from signbit.selfsup.trained import load_backbone_run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A held-out digit as a PNG of the network's own size."""
    path = tmp_path / "digit.png"
    Image.fromarray(open_dataset("digits", "test").images[5][..., 0]).save(path)
    return path


def test_photos_get_the_engines_own_probabilities(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path
) -> None:
    white = tmp_path / "white.png"
    Image.new("RGB", (30, 20), "white").save(white)
    figures = cli("predict", model_file, photo, white, "--top", "10", "--json").figures
    assert [each["file"] for each in figures["photos"]] == [str(photo), str(white)]
    pixels = np.asarray(Image.open(photo), dtype=np.uint8).reshape(1, 8, 8, 1)
    logits = signbit.load(model_file)(pixels)[0].astype(np.float64)
    expected = np.exp(logits) / np.exp(logits).sum()
    classes = figures["photos"][0]["classes"]
    assert [c["name"] for c in classes] == [str(i) for i in np.argsort(-expected, kind="stable")]
    assert [c["probability"] for c in classes] == pytest.approx(sorted(expected, reverse=True))


def test_the_table_shows_the_top_classes(cli: Cli, model_file: Path, photo: Path) -> None:
    shown = cli("predict", model_file, photo, "--top", "3")
    assert shown.code == 0
    assert "digit.png" in shown.out
    assert shown.out.count("%") == 3


def test_a_photo_is_turned_as_its_exif_data_says(
    cli: Cli, model_file: Path, photo: Path, tmp_path: Path
) -> None:
    upright = Image.open(photo).resize((64, 64), Image.Resampling.NEAREST)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    upright.rotate(90).save(tmp_path / "turned.png", exif=exif)
    upright.save(tmp_path / "upright.png")
    found = cli(
        "predict", model_file, tmp_path / "turned.png", tmp_path / "upright.png", "--json"
    ).figures["photos"]
    assert found[0]["classes"] == found[1]["classes"]


def test_works_without_the_train_extra(fresh_cli: Cli, model_file: Path, photo: Path) -> None:
    result = fresh_cli("predict", model_file, photo, "--json", blocked=TRAIN_EXTRA)
    assert len(result.figures["photos"][0]["classes"]) == 5


def test_a_corrupt_photo_is_named(cli: Cli, model_file: Path, photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:60])
    assert "digit.png" in cli("predict", model_file, photo).mistake


def test_a_missing_photo_is_named(cli: Cli, model_file: Path, tmp_path: Path) -> None:
    assert "gone.png" in cli("predict", model_file, tmp_path / "gone.png").mistake


def test_a_missing_or_broken_model_is_named(cli: Cli, photo: Path, tmp_path: Path) -> None:
    assert "gone.sbnn" in cli("predict", tmp_path / "gone.sbnn", photo).mistake
    broken = tmp_path / "broken.sbnn"
    broken.write_bytes(b"not a model")
    assert cli("predict", broken, photo).mistake


def test_a_network_that_gives_a_map_is_no_classifier(cli: Cli, photo: Path, tmp_path: Path) -> None:
    graph, constants = sample()
    model = tmp_path / "map.sbnn"
    body = dataclasses.replace(graph, outputs=(GraphOutput("body", 3),))
    model.write_bytes(encode(body, constants))
    for arguments in [["predict", model, photo], ["evaluate", model, "--data", "digits"]]:
        line = cli(*arguments).mistake
        assert "map.sbnn: not a classifier" in line
        assert "'body' is 3×3×10" in line


def test_a_network_of_several_outputs_is_no_classifier(
    cli: Cli, photo: Path, tmp_path: Path
) -> None:
    graph, constants = sample()
    model = tmp_path / "two.sbnn"
    two = (*graph.outputs, GraphOutput("body", 3))
    model.write_bytes(encode(dataclasses.replace(graph, outputs=two), constants))
    for arguments in [["predict", model, photo], ["evaluate", model, "--data", "digits"]]:
        line = cli(*arguments).mistake
        assert "two.sbnn: not a classifier: it has 1 inputs and 2 outputs" in line


def test_a_network_that_does_not_say_how_photographs_fit(
    cli: Cli, photo: Path, tmp_path: Path
) -> None:
    graph, constants = sample()
    model = tmp_path / "sizeless.sbnn"
    given = (dataclasses.replace(graph.inputs[0], resize=None),)
    model.write_bytes(encode(dataclasses.replace(graph, inputs=given), constants))
    for arguments in [["predict", model, photo], ["evaluate", model, "--data", "digits"]]:
        line = cli(*arguments).mistake
        assert "does not say how a photograph becomes its input 'image'" in line


def test_classes_without_names_are_numbered(cli: Cli, photo: Path, tmp_path: Path) -> None:
    graph, constants = sample()
    model = tmp_path / "nameless.sbnn"
    nameless = dataclasses.replace(graph, outputs=(GraphOutput("logits", graph.outputs[0].tensor),))
    model.write_bytes(encode(nameless, constants))
    classes = cli("predict", model, photo, "--json").figures["photos"][0]["classes"]
    assert {each["name"] for each in classes} == {f"class {index}" for index in range(4)}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_scores_that_overflow_name_model_and_photo(
    cli: Cli, photo: Path, tmp_path: Path, options: list[str]
) -> None:
    graph, constants = sample()
    scale = str(graph.nodes[1].steps[0]["scale"])
    huge = {**constants, scale: np.full_like(constants[scale], 3e38)}
    model = tmp_path / "huge.sbnn"
    model.write_bytes(encode(graph, huge))
    line = cli("predict", model, photo, *options).mistake
    assert "huge.sbnn" in line
    assert "digit.png" in line
    assert "not finite" in line


@pytest.fixture(scope="session")
def features_file(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run's backbone, compiled."""
    path = tmp_path_factory.mktemp("features") / "features.sbnn"
    assert run(["compile", str(run_folder), "--features", "-o", str(path), "--images", "8"]) == 0
    return path


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Thirty held-out digits, one of them cut off, and a file that is none."""
    folder = tmp_path / "album"
    folder.mkdir()
    for index, image in enumerate(open_dataset("digits", "test").images[:30]):
        Image.fromarray(image[..., 0]).save(folder / f"{index:02}.png")
    (folder / "07.png").write_bytes((folder / "07.png").read_bytes()[:50])
    (folder / "notes.txt").write_text("no image")
    return folder


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
