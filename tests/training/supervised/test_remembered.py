"""A teacher that is asked once for each image, and training that does not notice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from signbit import methods, models, recipes
from signbit.data import in_memory
from signbit.data.pixels.augment import Augmentation
from signbit.data.pixels.preprocessing import Preprocessing
from signbit.data.pixels.resized_crop import ResizedCrop
from signbit.training import Recipe, fit
from signbit.training.supervised.remembered import few_images, remembered

RULE = Preprocessing((5, 4, 3), (0.5, 0.4, 0.3), (0.2, 0.3, 0.5), 5)


def shown(images: np.ndarray) -> Tensor:
    scaled = (images.astype(np.float32) / 255 - np.float32(RULE.mean)) / np.float32(RULE.std)
    return torch.from_numpy(scaled.astype(np.float32)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("mirrored", [False, True])
def test_each_image_is_answered_once(mirrored: bool) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (700, 5, 4, 3), dtype=np.uint8)
    images[5] = images[3]
    network, asked = nn.Sequential(nn.Flatten(), nn.Linear(60, 4)), []

    def teacher(pixels: Tensor) -> Tensor:
        asked.append(len(pixels))
        with torch.no_grad():
            answers: Tensor = network(pixels)
        return answers

    answers = remembered(teacher, in_memory((images, np.arange(700) % 2)), RULE, mirrored=mirrored)
    assert asked == ([500, 500, 200, 200] if mirrored else [500, 200])
    chosen = images[[699, 3, 5, 0]]
    flipped = np.ascontiguousarray(chosen[:, :, ::-1])
    for batch, known in ((chosen, True), (flipped, mirrored), (chosen + 1, False)):
        asked.clear()
        pixels = shown(batch)
        torch.testing.assert_close(answers(pixels), network(pixels).detach())
        assert asked == ([] if known else [4])


def test_only_where_each_image_is_few() -> None:
    images = in_memory((np.zeros((2, 4, 4), np.uint8), [0, 1]))
    assert few_images(Augmentation(flip=True, crop_padding=0), images)
    assert not few_images(Augmentation(flip=True, crop_padding=1), images)
    assert not few_images(ResizedCrop(flip=True, area=0.1, size=(4, 4)), images)
    images.workers = 1
    assert not few_images(Augmentation(flip=False, crop_padding=0), images)


def recipe(epochs: int) -> Recipe:
    changes = ["method.name=bireal", "schedule=constant", "optimizer.lr=0.001", "batch_size=16"]
    changes += ["data.augment={flip: true}", "train_images=64", f"epochs={epochs}"]
    return recipes.load("bnn-digits", [*changes, "teacher={temperature: 2.0}"])


def test_a_run_that_goes_on_has_the_same_numbers(tmp_path: Path) -> None:
    def student() -> nn.Module:
        torch.manual_seed(1)
        return models.build("digits", methods.get("bireal"), classes=10, channels=1)

    teacher, asked = student(), []
    teacher.register_forward_hook(lambda _, args, __: asked.append(len(args[0])))
    whole = fit(student(), "digits", recipe(5), tmp_path / "a", teacher=teacher, progress=False)
    assert 1 <= len(asked) <= 2
    for epochs in (3, 5):
        parts = fit(
            student(), "digits", recipe(epochs), tmp_path / "b", teacher=teacher, progress=False
        )
    assert [each["train_loss"] for each in parts.history] == [
        each["train_loss"] for each in whole.history
    ]
    assert parts.top1 == whole.top1
