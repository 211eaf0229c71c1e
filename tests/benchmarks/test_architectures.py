"""The table of architectures: real twins are what they say, and a row has all its figures."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.benchmarks.conftest import Alone
from tests.thorough import sample
from torch import nn

from signbit import methods, models
from signbit.nn.layers import BinaryConv2d, BinaryLinear
from subjects.architectures import NETWORKS, binary, real_twin

SMALL = ("digits", "keywords", "mixer", "resnet20", "binary-vit", "quicknet-cifar")


def images(name: str) -> torch.Tensor:
    subject = NETWORKS[name]
    return torch.randn(2, subject.channels, subject.side, subject.side)


@pytest.mark.slow
@pytest.mark.parametrize("name", sample(SMALL, "keywords", "binary-vit"))
def test_a_twin_has_the_same_layers_without_signs(name: str) -> None:
    twin, ours = real_twin(name, images(name)), binary(name, images(name))
    layers = dict(twin.named_modules())
    for path, module in ours.named_modules():
        if isinstance(module, BinaryConv2d | BinaryLinear):
            real = layers[path]
            assert isinstance(real, nn.Conv1d | nn.Conv2d | nn.Linear)
            assert real.weight.numel() == module.weight.numel()
    subject = NETWORKS[name]
    by_method = models.build(
        name, methods.get("real"), classes=subject.classes, channels=subject.channels
    )
    state = {
        key: value.reshape(by_method.state_dict()[key].shape)
        for key, value in twin.state_dict().items()
    }
    by_method.load_state_dict(state)
    x = images(name)
    with torch.no_grad():
        torch.testing.assert_close(by_method.eval()(x), twin(x), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_a_row_has_all_its_figures(beside_peers: Alone, shared_data: Path) -> None:
    data = str(shared_data / "data")
    row, table = beside_peers("of_architecture", "digits", f"{data}/cifar10", f"{data}/none")
    assert set(row["ms"]) == {
        "signbit",
        *(
            f"{peer} {kind}"
            for peer in ("ONNX Runtime", "OpenVINO")
            for kind in ("float32", "int8")
        ),
    }
    assert row["agreement"]["agrees"]
    assert row["agreement"]["images"] == 100
    assert row["bytes"] > row["bits"] // 8
    assert table.splitlines()[-1].startswith("| `digits`")
