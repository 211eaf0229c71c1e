"""Files of several inputs on the command line: shown and timed; of photographs, one clear line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.cli.conftest import Cli
from torch import Tensor, nn

from signbit.compiler import ImageInput, RealInput, compile_model

RULE = "shorter side scaled to 9, the centre cut out; bilinear"


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.gate = nn.Conv2d(3, 4, 3), nn.Linear(5, 4)

    def forward(self, photo: Tensor, state: Tensor) -> Tensor:
        y: Tensor = self.stem(photo).mean((2, 3)) * torch.sigmoid(self.gate(state))
        return y


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("two") / "two.sbnn"
    inputs = {"photo": ImageInput((9, 7, 3), 0.5, 0.25), "state": RealInput(5)}
    compile_model(_Net().eval(), inputs=inputs).save(path)
    return path


def test_are_listed(cli: Cli, two: Path) -> None:
    assert cli("inspect", two, "--json").figures["inputs"] == [
        {"name": "photo", "kind": "image", "shape": [9, 7, 3], "photographs": RULE},
        {"name": "state", "kind": "real", "shape": [1, 1, 5], "photographs": None},
    ]
    shown = cli("inspect", two).out
    assert "photo, image" in shown
    assert "1×1×5" in shown


def test_are_timed(cli: Cli, two: Path) -> None:
    figures = cli("bench", two, "--runs", "2", "--batch", "3", "--per-node", "--json").figures
    assert figures["median_ms"] > 0
    assert len(figures["nodes"]) >= 2


def test_photographs_are_refused(cli: Cli, two: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((9, 7, 3), np.uint8)).save(photo)
    for command in (("predict", two, photo), ("evaluate", two, "--data", "digits")):
        done = cli(*command)
        assert done.code == 2
        assert "it has 2 inputs, a classifier has one" in done.err
    assert (
        "a photograph is one input, and the network has 2"
        in cli("predict", two, photo, "--nearest", tmp_path).err
    )
