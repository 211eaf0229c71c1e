"""A plain network for handwritten digits, from real weights to one-bit layers by `fit`.

With SIGNBIT_TESTS=long it sees all 60,000 images and has to reach 98 % as it is, and 97 % in one
bit; else it sees few of them. `-s` shows the figures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.thorough import LONG
from torch import Tensor, nn

from signbit import recipes
from signbit.data import ImageDataset, open_dataset
from signbit.methods import Method
from signbit.nn import binarize
from signbit.training import Recipe, fit


class Plain(nn.Module):
    """Two times convolution, ReLU and pool, then two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.fc1 = nn.Linear(32 * 7 * 7, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        y: Tensor = self.fc2(x)
        return y


def recipe(method: str, epochs: int, *changes: str) -> Recipe:
    data = ["data.mean=[0.1307]", "data.std=[0.3081]", "data.augment.crop_padding=0"]
    mine = [f"method.name={method}", f"epochs={epochs}", *data]
    return recipes.load("bnn-digits", [*mine, "optimizer.lr=0.002", *changes])


def images(folder: Path, split: str, few: int) -> ImageDataset:
    opened = open_dataset(folder, split)
    return opened if LONG else opened.take(np.arange(few))


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_plain_network_for_digits_in_one_bit(tmp_path: Path, shared_data: Path) -> None:
    torch.manual_seed(0)
    source = shared_data / "data/mnist"
    training, test = images(source, "train", 4000), images(source, "test", 1000)
    real = Plain()
    teacher = fit(real, training, recipe("real", 3), tmp_path / "real", test=test, progress=False)

    def binary(method: Method) -> nn.Module:
        network = binarize(real, method, input_size=(28, 28))
        assert network.report.binary == ["conv2", "fc1"]
        return network

    stages = "stages=[{epochs: 1, method: {params: {binarize: activations}}}, {}]"
    learning = "teacher={temperature: 4.0, weight: 0.9}"
    student = fit(
        binary, training, recipe("reactnet", 4, stages, learning), tmp_path / "binary",
        test=test, teacher=real, progress=False,
    )  # fmt: skip
    print(f"real {100 * teacher.top1:.2f} %, one bit {100 * student.top1:.2f} %")
    assert teacher.top1 >= (0.98 if LONG else 0.94)
    assert student.top1 >= (0.97 if LONG else 0.92)
