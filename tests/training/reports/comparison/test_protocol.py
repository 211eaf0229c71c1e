from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from signbit import recipes
from signbit.training.reports.comparison.protocol import fitting_protocol, misfit


def images(root: Path, size: tuple[int, int], mode: str) -> str:
    """Two classes of two images of (width, height)."""
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for number in range(2):
            Image.new(mode, size, number).save(root / name / f"{number}.png")
    return str(root)


@pytest.mark.parametrize(
    ("size", "mode", "name", "words"),
    [
        ((8, 8), "L", "comparison-digits", None),
        ((16, 12), "L", "comparison-digits", None),
        ((28, 28), "L", "comparison-cifar10", None),
        ((8, 8), "RGB", "comparison-cifar10", "at 32×32, up from 8×8"),
        ((32, 32), "RGB", "comparison-cifar10", None),
        ((640, 480), "RGB", "comparison-cifar10", "resnet20 sees them at 32×32, down from 480×640"),
    ],
)
def test_the_protocol_that_fits_is_taken_or_what_does_not_is_said(
    tmp_path: Path, size: tuple[int, int], mode: str, name: str, words: str | None
) -> None:
    source = images(tmp_path / "data", size, mode)
    assert fitting_protocol(source) == name
    found = misfit(recipes.load(name, [f"data.source={source}"]))
    assert found is None if words is None else words in str(found)


def test_other_protocols_and_no_data(tmp_path: Path) -> None:
    assert fitting_protocol(None) == "comparison-cifar10"
    assert fitting_protocol("digits") == "comparison-digits"
    source = images(tmp_path / "data", (32, 32), "RGB")
    found = misfit(recipes.load("comparison-digits", [f"data.source={source}"]))
    assert found == "digits sees them at 8×8, without colours"
