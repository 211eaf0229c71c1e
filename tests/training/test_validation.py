"""Which images choose the best epoch, and what is said of the others."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from signbit import recipes
from signbit.data.loading.dataset import ImageDataset
from signbit.data.sources.any_source import has_split
from signbit.errors import DataError
from signbit.training.images import open_images
from signbit.training.recipe import Recipe
from signbit.training.validation import hold_out, image_names

Parts = tuple[ImageDataset, ImageDataset, ImageDataset | None, list[str]]


def photos(folder: Path, counts: dict[str, int]) -> Path:
    for name, count in counts.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.random.randint(0, 256, (12, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


def recipe(folder: Path, *overrides: str) -> Recipe:
    stopping = "early_stopping={held_out: 0.25, patience: 3}"
    return recipes.load("bnn-digits", [f"data.source={folder}", stopping, *overrides])


def parts(folder: Path, *overrides: str) -> Parts:
    said: list[str] = []
    chosen = recipe(folder, *overrides)
    training, test = open_images(chosen, said.append)
    training, validation = hold_out(chosen, training, test, said.append)
    return training, test, validation, said


def names(dataset: ImageDataset | None) -> set[str | int]:
    assert dataset is not None
    return {*image_names(dataset.source, {"part": dataset})["part"]}


def test_without_the_section_no_image_is_held_out(tmp_path: Path) -> None:
    photos(tmp_path, {"cat": 10, "dog": 5})
    training, _, validation, said = parts(tmp_path, "early_stopping=null")
    assert (len(training), validation, said) == (12, None, [])


def test_class_folders_are_divided_in_three(tmp_path: Path) -> None:
    photos(tmp_path, {"a cat": 20, "Füchse": 10})
    training, test, validation, said = parts(tmp_path)
    assert validation is not None
    assert [len(each) for each in (training, test, validation)] == [18, 6, 6]
    assert np.bincount(validation.labels).tolist() == [2, 4]  # of 8 and 16
    everything = [names(each) for each in (training, test, validation)]
    assert len(set.union(*everything)) == 30
    assert {"a cat/1.png", "Füchse/6.png"} <= everything[1]
    assert said[-2:] == [
        f"{tmp_path}: 18 images of 2 classes to train on, 6 images to test",
        f"{tmp_path}: 6 images to choose the best epoch by, held out of those to train on, with "
        "seed 0",
    ]
    assert names(parts(tmp_path)[2]) == everything[2]
    assert names(parts(tmp_path, "seed=1")[2]) != everything[2]


def test_the_source_s_own_validation_images_come_first(tmp_path: Path) -> None:
    counts = {"train/cat": 6, "train/dog": 6, "test/cat": 2, "test/dog": 2}
    photos(tmp_path, {**counts, "Validation/cat": 3, "Validation/dog": 1})
    (tmp_path / "Validation/cat/0.png").write_bytes(b"broken")
    training, test, validation, said = parts(tmp_path, "data.unreadable=skip")
    assert validation is not None
    assert [len(each) for each in (training, test, validation)] == [12, 4, 3]
    assert any("cat/0.png: not a readable image" in line for line in said)
    assert said[-1].endswith("choose the best epoch by, those of Validation")


def test_where_they_are_the_test_images_too_that_is_said(tmp_path: Path) -> None:
    photos(tmp_path, {"train/cat": 6, "train/dog": 6, "val/cat": 2, "val/dog": 2})
    training, test, validation, said = parts(tmp_path)
    assert validation is test
    assert len(training) == 12
    assert said[-1].endswith("by, too: their top-1 is a little too good")


def test_small_classes(tmp_path: Path) -> None:
    photos(tmp_path / "few", {"cat": 9, "dog": 1, "owl": 2})
    *_, validation, said = parts(tmp_path / "few")
    assert validation is not None
    assert np.bincount(validation.labels).tolist() == [2]
    assert said[-1].endswith(
        "classes with few images to train on: dog (1), owl (1); more would help"
    )
    photos(tmp_path / "fewer", {"cat": 2, "dog": 2})
    with pytest.raises(DataError, match=r"takes three of one class; add more images"):
        parts(tmp_path / "fewer")


def test_other_classes_are_refused(tmp_path: Path) -> None:
    photos(tmp_path, {"train/a": 6, "train/b": 6, "test/a": 2, "test/b": 2, "val/c": 2})
    with pytest.raises(DataError, match=r"class 'c' is not in the training split"):
        parts(tmp_path)


def test_images_without_a_file_of_their_own_are_numbers() -> None:
    chosen = recipes.load("bnn-digits", ["early_stopping={held_out: 0.1, patience: 3}"])
    training, test = open_images(chosen)
    _, validation = hold_out(chosen, training, test, print)
    found = names(validation)
    assert found < set(range(len(training)))
    assert len(found) == pytest.approx(0.1 * len(training), abs=6)


def test_which_sources_have_a_split(tmp_path: Path) -> None:
    photos(tmp_path, {"all/cat": 1, "all/val": 1, "two/train/cat": 1, "two/valid/cat": 1})
    asked = {"all": False, "two": True}
    for folder, there in asked.items():
        assert has_split(str(tmp_path / folder), "validation") is there
    assert not has_split("digits", "validation")
    (tmp_path / "two/valid").rename(tmp_path / "two/test")
    assert not has_split(str(tmp_path / "two"), "validation")


def test_a_folder_that_the_configuration_names_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for split, there in (("val", True), ("test", False)):
        for part in ("train", split):
            for name in ("cat", "dog"):
                (tmp_path / split / part / name).mkdir(parents=True)
        config = tmp_path / f"{split}.toml"
        config.write_text(f"[data]\nmine = '{tmp_path / split}'\n")
        monkeypatch.setenv("SIGNBIT_CONFIG", str(config))
        assert has_split("mine", "validation") is there
