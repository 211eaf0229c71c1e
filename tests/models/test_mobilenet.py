"""The small MobileNetV2: its layers, where it has shortcuts, and that it compiles."""

from __future__ import annotations

import torch
from tests.compiler.nets import assert_same_answers, randomise
from torch import nn

from signbit import methods, models
from signbit.models.mobilenet import InvertedResidual


def build() -> nn.Module:
    torch.manual_seed(0)
    return models.build("real-mobilenet-cifar", methods.get("real"), classes=10, channels=3)


def test_size_and_shortcuts() -> None:
    model = build()
    blocks = [m for m in model.modules() if isinstance(m, InvertedResidual)]
    # All but those that change the shape: the first of every stage but the first stage's.
    assert [block.adds for block in blocks] == [
        True, False, True, False, True, True, False, True, True, False, True
    ]  # fmt: skip
    expected = 27 * 16 + 2 * 16 + 96 * 256 + 2 * 256 + 2_570
    for block in blocks:
        sides = [m for m in block.modules() if isinstance(m, nn.Conv2d)]
        expected += sum(m.weight.numel() + 2 * m.out_channels for m in sides)
    assert sum(p.numel() for p in model.parameters()) == expected
    depthwise = [m for m in model.modules() if isinstance(m, nn.Conv2d) and m.groups > 1]
    assert all(m.groups == m.in_channels == m.out_channels for m in depthwise)
    assert len(depthwise) == len(blocks) == 11
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_it_compiles_exactly() -> None:
    model = randomise(build())
    assert_same_answers(model, (32, 32, 3), count=1)
