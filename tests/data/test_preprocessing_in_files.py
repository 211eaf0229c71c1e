"""What a compiled network is fed of photographs is what its run was measured on, by pixel."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torch import nn

import signbit
from signbit import recipes
from signbit.bitformat.graph import Resize
from signbit.compiler import compile_model
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.sources.folder import open_folder
from signbit.runtime.photographs import Photographs, resize_rule
from signbit.training.images import resize_of

SIZES = {"pixel": (1, 1), "portrait": (61, 23), "panorama": (19, 140), "fitting": (12, 16)}
MODES = ("L", "P", "RGBA", "1", "LA", "I;16", "turned", "CMYK")
RULES = {
    "cropped": Resize(18, "bicubic"),
    "both sides": Resize(both_sides=(14, 16), colours="bgr"),
    "letterbox": Resize(letterbox=(114, 10, 0), aliased=True),
    "gray": Resize(16, "nearest", colours="gray"),
    "as ever": Resize(16),
}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """test/<class>/…: every size in every mode."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for name, (height, width) in SIZES.items():
        (folder / "test" / name).mkdir(parents=True)
        (folder / "train" / name).mkdir(parents=True)
        pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "train" / name / "0.png")
        for mode in MODES:
            path = folder / "test" / name / f"{mode.replace(';', '')}.png"
            if mode == "turned":
                exif = Image.Exif()
                exif[0x0112] = 6
                Image.fromarray(pixels).save(path, exif=exif)
            elif mode == "I;16":
                Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(path)
            elif mode == "CMYK":
                Image.fromarray(pixels).convert("CMYK").save(path.with_suffix(".tiff"))
            else:
                Image.fromarray(pixels).convert(mode).save(path)
    return folder


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_predict_feeds_what_evaluation_fed(photographs: Path, rule: Resize) -> None:
    size = (12, 16, 3)
    images = open_folder(photographs, "test")
    fed = Preprocessing(size, (0.5,) * 3, (0.25,) * 3, rule).fit(images, workers=0)
    model = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    compiled = compile_model(model, input_size=size, mean=0.5, std=0.25, resize=rule)
    engine = signbit.load(compiled.data)
    prepare, read = Photographs(engine), images.reader(engine.input_shape, resize_rule(engine))
    files = sorted((photographs / "test").glob("*/*"))
    assert len(files) == len(fed) == len(SIZES) * len(MODES)
    for index, file in enumerate(sorted(files, key=lambda each: (each.parent.name, each.name))):
        np.testing.assert_array_equal(prepare(file), fed.images[index], err_msg=str(file))
        np.testing.assert_array_equal(read(index), fed.images[index])


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ([], Resize(32)),
        (["data.crop_ratio=0.875"], Resize(36)),
        (["data.resize_both_sides=[40, 36]", "data.antialias=false"],
         Resize(both_sides=(40, 36), aliased=True)),
        (["data.letterbox=[114, 114, 114]", "data.interpolation=bicubic", "data.colours=bgr"],
         Resize(None, "bicubic", letterbox=(114,) * 3, colours="bgr")),
    ],
)  # fmt: skip
def test_a_recipe_says_every_rule(changes: list[str], rule: Resize) -> None:
    chosen = recipes.load("bnn-resnet20-cifar10", changes)
    assert resize_of(chosen.data, (32, 24)) == rule
    kept = Preprocessing((32, 24, 3), (0.5,) * 3, (0.25,) * 3, rule)
    assert Preprocessing.from_json(kept.to_json()) == kept


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data.letterbox=[1, 2, 3]", "data.crop_ratio=0.9"], "crop_ratio and letterbox are ways"),
        (["data.letterbox=[1]"], "letterbox needs as many values as mean"),
        (["data.mean=[0.5]", "data.std=[0.5]", "data.colours=bgr"], "goes with three channels"),
        (["data.letterbox=[1, 2, 256]"], "255"),
    ],
)
def test_a_recipe_says_one_rule(changes: list[str], message: str) -> None:
    with pytest.raises(signbit.errors.RecipeError, match=message):
        recipes.load("bnn-resnet20-cifar10", changes)


def test_rules_of_earlier_runs_are_read() -> None:
    now = Preprocessing((4, 4, 1), (0.5,), (0.25,), Resize(6, "nearest"))
    values = now.to_json()
    del values["resize"]
    values |= {"resize_shorter_side": 6, "interpolation": "nearest"}
    assert Preprocessing.from_json(values) == now
    square = dataclasses.replace(now, resize=Resize(letterbox=(3,))).as_square(9)
    assert (square.input_size, square.resize) == ((9, 9, 1), Resize(9))
