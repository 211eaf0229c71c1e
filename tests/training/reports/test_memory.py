from __future__ import annotations

import pytest
import torch
from torch import nn

from signbit import methods, models
from signbit.errors import InputError
from signbit.fast import use_native_ops
from signbit.training.reports.memory import kept_for_backward


def test_counts_what_modules_keep_by_hand() -> None:
    # tanh keeps its result; the second linear layer's input is the same memory.
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3), nn.Sigmoid())
    kept = kept_for_backward(model, torch.randn(5, 4))
    assert [(part.module, part.kind, part.bytes) for part in kept] == [
        ("1", "Tanh", 5 * 8 * 4),
        ("3", "Sigmoid", 5 * 3 * 4),
    ]


def test_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    model[2].eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    kept_for_backward(model, torch.randn(2, 3, 8, 8))
    assert [module.training for module in model] == [True, True, False]
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    assert not any(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(("network", "share"), [("resnet20", 0.3), ("vgg-small", 0.4)])
def test_native_operations_keep_a_fraction(network: str, share: float) -> None:
    model = models.build(network, methods.get("sdbnn"), classes=10, channels=3)
    images = torch.randn(32, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    totals = []
    for native in (False, True):
        with use_native_ops(native):
            kept = kept_for_backward(model, images)
        totals.append(sum(part.bytes for part in kept))
        assert {"ResidualUnit", "ConvBlock", "BinaryConv2d"} & {part.kind for part in kept}
    assert totals[1] < totals[0] * share


def test_no_images_are_refused() -> None:
    with pytest.raises(InputError, match="at least one image"):
        kept_for_backward(nn.Linear(2, 2), torch.randn(0, 2))
