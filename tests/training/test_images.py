"""Which images a recipe takes, and at what sizes; the draws are tested where they are made."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

from signbit import recipes
from signbit.bitformat.graph import Resize
from signbit.data import ImageDataset
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.resized_crop import ResizedCrop
from signbit.errors import DataError, RecipeError
from signbit.training import load_run, train
from signbit.training.images import augmentation_of, fit_images, open_images, preprocessing_of
from signbit.training.networks import build_network, make_method
from signbit.training.recipe import Recipe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of 20×30 pictures in train/ and val/."""
    for split, count in (("train", 6), ("val", 2)):
        for label, name in enumerate(("cat", "dog")):
            (tmp_path / split / name).mkdir(parents=True)
            for number in range(count):
                picture = np.full((20, 30, 3), 100 * label + number, dtype=np.uint8)
                Image.fromarray(picture).save(tmp_path / split / name / f"{number}.png")
    return tmp_path


def recipe(folder: Path, *overrides: str) -> Recipe:
    return recipes.load("bnn-digits", [f"data.source={folder}", *overrides])


def opened(chosen: Recipe) -> dict[str, ImageDataset]:
    return dict(zip(("training", "test"), open_images(chosen), strict=True))


def test_the_test_split_is_the_recipe_s(folder: Path) -> None:
    training, test = open_images(recipe(folder, "data.test_split=val"))
    assert (len(training), len(test)) == (12, 4)
    with pytest.raises(DataError, match=r"there are: train, val; .*data\.test_split=val in"):
        open_images(recipe(folder, "data.test_split=extra"))


def test_validation_images_take_the_place_of_test_images_and_that_is_said(folder: Path) -> None:
    said: list[str] = []
    training, test = open_images(recipe(folder), said.append)
    assert (len(training), len(test), test.split) == (12, 4, "val")
    assert said == [f"{folder}: no test images; those of val take their place"]
    (folder / "val").rename(folder / "testing")
    said.clear()
    assert len(open_images(recipe(folder), said.append)[1]) == 4
    assert not said


def test_refusals_say_what_helps(folder: Path) -> None:
    with pytest.raises(DataError, match=r"train_images=null takes all of them"):
        open_images(recipe(folder, "train_images=13"))
    (folder / "train/cat/0.png").write_bytes(b"no picture")
    chosen = recipe(folder)
    model = build_network("digits", make_method(chosen.method), classes=2, channels=1)
    rule = preprocessing_of(chosen, model)
    with pytest.raises(DataError, match=r"0\.png: not a readable.*data\.unreadable=skip"):
        fit_images(chosen, rule, opened(chosen), say=print)
    (folder / "val/dog").rename(folder / "val/cow")
    with pytest.raises(DataError, match=r"'cow' is not in the training split.*rename the folder"):
        open_images(chosen)
    shutil.rmtree(folder / "val/cow")
    (folder / "val").rename(folder / "test")
    assert open_images(chosen)[1].class_names == ("cat", "dog")


def test_crops_are_taken_from_a_larger_square(folder: Path) -> None:
    overrides = [
        "data.test_split=val",
        "data.augment.crop_padding=0",
        "data.augment.resized_crop={area: 0.25, side: 14}",
        "data.resize_shorter_side=10",
    ]
    chosen = recipe(folder, *overrides)
    model = build_network("digits", make_method(chosen.method), classes=2, channels=1)
    rule = preprocessing_of(chosen, model)
    assert (rule.input_size, rule.resize) == ((8, 8, 1), Resize(10))
    training, test = fit_images(chosen, rule, opened(chosen), say=pytest.fail).values()
    assert training.images.shape == (12, 14, 14, 1)
    assert test.images.shape == (4, 8, 8, 1)
    augment = augmentation_of(chosen, rule)
    assert isinstance(augment, ResizedCrop)
    assert augment(training.images, seed=0).shape == (12, 8, 8, 1)
    chosen = recipe(folder, *overrides[:2], "data.augment.resized_crop={area: 0.25}")
    training = fit_images(chosen, rule, opened(chosen), say=pytest.fail)["training"]
    assert training.images.shape == (12, 16, 16, 1)  # twice the input's side


def test_without_them_the_size_stays(folder: Path) -> None:
    chosen = recipe(folder, "data.test_split=val")
    model = build_network("digits", make_method(chosen.method), classes=2, channels=1)
    rule = preprocessing_of(chosen, model)
    training = fit_images(chosen, rule, opened(chosen), say=pytest.fail)["training"]
    augment = augmentation_of(chosen, rule)
    assert isinstance(augment, Augmentation)
    assert training.images.shape == augment(training.images, seed=0).shape == (12, 8, 8, 1)


def test_images_that_cannot_be_decoded_end_the_run_or_are_skipped_as_asked(folder: Path) -> None:
    broken = folder / "train/dog/2.png"
    broken.write_bytes(b"")
    said: list[str] = []
    asked = recipe(folder, "data.test_split=val", "data.unreadable=skip")
    training, test = open_images(asked, said.append)
    assert said == [f"skipped: {broken}: not a readable image (it is empty)"]
    assert (len(training), len(test)) == (11, 4)
    assert training.images.shape == (11, 20, 30, 3)
    said.clear()
    refused, _ = open_images(recipe(folder, "data.test_split=val"), said.append)
    assert not said
    with pytest.raises(DataError, match=r"dog/2\.png: not a readable image \(it is empty\)"):
        refused.images  # noqa: B018


def test_labels_are_needed_where_a_recipe_learns_from_them(folder: Path) -> None:
    one = folder / "train/cat"
    with pytest.raises(DataError, match=r"2 images in no class folder.*labels are needed"):
        open_images(recipe(folder / "val/cat"))
    (folder / "alone").mkdir()
    one.rename(folder / "alone/cat")
    with pytest.raises(DataError, match=r"only one class \(cat\); use two or more, as labels are"):
        open_images(recipe(folder / "alone"))


RESIZED = ["data.source=digits", "data.input_size=[16, 12]", "data.augment.flip=false"]


def _network(chosen: Recipe) -> nn.Module:
    return build_network(chosen.network, make_method(chosen.method), classes=10, channels=3)


def test_a_network_may_see_another_size_than_its_own() -> None:
    chosen = recipes.load("bnn-resnet20-cifar10", RESIZED)
    network = _network(chosen)
    resized = preprocessing_of(chosen, network)
    assert resized.input_size == (16, 12, 3)
    assert resized.resize == Resize(16)
    assert network.training
    own = recipes.load("bnn-resnet20-cifar10", ["data.input_size=[32, 32]"])
    assert preprocessing_of(own, network).input_size == (32, 32, 3)


def test_a_size_that_a_network_does_not_take_is_refused() -> None:
    chosen = recipes.load("bnn-vgg-small-cifar10", RESIZED)
    network = _network(chosen)
    with pytest.raises(RecipeError, match=r"data\.input_size: vgg-small takes no images of 16×12"):
        preprocessing_of(chosen, network)
    assert network.training
    for wrong in ("[0, 8]", "[8]", "8", "[8, 99999]", "[true, 8]"):
        with pytest.raises(RecipeError, match=r"data\.input_size"):
            recipes.load("bnn-resnet20-cifar10", [f"data.input_size={wrong}"])


@pytest.mark.slow
def test_a_run_of_another_size_keeps_it(tmp_path: Path) -> None:
    short = ["epochs=1", "train_images=20", "batch_size=10"]
    chosen = recipes.load("bnn-resnet20-cifar10", [*RESIZED, *short])
    train(chosen, None, tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert run.recipe.data.input_size == (16, 12)
    assert run.input_size == (16, 12, 3)
