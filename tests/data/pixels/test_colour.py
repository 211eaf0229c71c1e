"""Colours against Pillow, which rounds to 8 bits, and kornia, which does not."""

from __future__ import annotations

import math

import kornia
import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance

from signbit.data.pixels import colour

FACTORS = [0.6, 0.83, 1.0, 1.4]


def pictures() -> torch.Tensor:
    """(4, 3, 9, 7) of eighths and of all 256 values, gray, black and white pixels among them."""
    random = np.random.default_rng(1)
    values = random.integers(0, 256, (4, 3, 9, 7))
    values[0, :, 0] = 0
    values[1, :, 0] = 255
    values[2, :, 0] = values[2, :1, 0]
    values[3, 0, 1] = values[3, 1, 1]
    return torch.from_numpy(values) / 255


def as_pillow(image: torch.Tensor) -> Image.Image:
    return Image.fromarray((image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


@pytest.mark.parametrize(
    ("change", "enhance"),
    [
        (colour.brightness, ImageEnhance.Brightness),
        (colour.contrast, ImageEnhance.Contrast),
        (colour.saturation, ImageEnhance.Color),
    ],
)
def test_strengths_are_pillows(change, enhance) -> None:  # type: ignore[no-untyped-def]
    images = pictures()
    result = change(images, torch.tensor(FACTORS))
    for image, factor, changed in zip(images, FACTORS, result, strict=True):
        expected = np.asarray(enhance(as_pillow(image)).enhance(factor)) / 255
        np.testing.assert_allclose(changed.permute(1, 2, 0).numpy(), expected, atol=1.6 / 255)
    assert torch.equal(change(images, torch.ones(4)), images)


def test_gray_is_pillows() -> None:
    for image, changed in zip(pictures(), colour.gray(pictures()), strict=True):
        expected = np.asarray(as_pillow(image).convert("L")) / 255
        np.testing.assert_allclose(changed[0].numpy(), expected, atol=1.6 / 255)


def test_saturation_is_kornias() -> None:
    images, factors = pictures().double(), torch.tensor(FACTORS).double()
    torch.testing.assert_close(
        colour.saturation(images, factors),
        kornia.enhance.adjust_saturation_with_gray_subtraction(images, factors),
        atol=1e-3,  # kornia's weights have three digits too, but of another rounding
        rtol=0,
    )


@pytest.mark.parametrize("turn", [-0.1, -0.03, 0.0, 0.1, 0.4])
def test_hues_are_kornias(turn: float) -> None:
    images = pictures().double()
    turns = torch.full((4,), turn, dtype=torch.float64)
    expected = kornia.enhance.adjust_hue(images, turns * 2 * math.pi)
    torch.testing.assert_close(colour.hue(images, turns), expected, atol=1e-6, rtol=0)


def test_a_third_of_the_wheel_swaps_channels() -> None:
    images = pictures()
    third = torch.full((4,), 1 / 3)
    torch.testing.assert_close(colour.hue(images, third), images[:, [2, 0, 1]])


def test_each_image_has_its_own_factor_and_gray_ones_have_no_colour() -> None:
    images = pictures()
    together = colour.hue(images, torch.tensor([0.1, -0.1, 0.0, 0.05]))
    torch.testing.assert_close(together[1:2], colour.hue(images[1:2], torch.tensor([-0.1])))
    one_channel = images[:, :1]
    assert colour.gray(one_channel) is one_channel
    torch.testing.assert_close(colour.saturation(one_channel, torch.rand(4)), one_channel)
