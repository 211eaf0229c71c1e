"""What was exported as QONNX and imported again compiles to a file with the same answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.compiler.nets import MEAN, STD, Size, compiled, network, pixels, randomise
from tests.compiler.small import SIZE, small_net, train_briefly
from torch import nn

import signbit
from signbit import methods
from signbit.compiler import compile_model
from signbit.nn.binarizers import AdaptiveActivation, AdaptiveWeight
from signbit.nn.layers import BinaryConv2d

pytest.importorskip("onnx")

from signbit.exchange.onnx.reading.importing import import_onnx
from signbit.exchange.onnx.writing import to_onnx

METHODS = [name for name in methods.names() if name != "real"]
SLOW = [
    name if name == "adabin" else pytest.param(name, marks=pytest.mark.slow) for name in METHODS
]
WHOLE: Size = (32, 32, 3)


def assert_same_again(folder: Path, model: nn.Module, size: Size, count: int = 20) -> None:
    """The bits of every answer."""
    direct = compiled(model, size)
    file = folder / "model.onnx"
    file.write_bytes(to_onnx(direct, "qonnx"))
    run = import_onnx(file, folder / "run")
    mean, std = run.normalization
    assert (tuple(mean), tuple(std)) == (MEAN, STD)
    again = compile_model(run.model, input_size=size, mean=mean, std=std)
    images = pixels(count, size, 1)
    expected, found = (signbit.load(each.data)(images) for each in (direct, again))
    np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("method", SLOW)
def test_a_network_of_every_kind_of_block(tmp_path: Path, method: str) -> None:
    assert_same_again(tmp_path, small_net(method, trained=method == "xnor"), SIZE)


class _Adaptive(nn.Module):
    """One layer whose operands are two values each, that are no −a and +a."""

    def __init__(self, channels: int, out: int, size: int, **window: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        activation = AdaptiveActivation()
        with torch.no_grad():
            activation.alpha.fill_(0.7)
            activation.beta.fill_(-0.3)
        binarizers = {"weight_binarizer": AdaptiveWeight(), "activation_binarizer": activation}
        self.layer = BinaryConv2d(channels, out, size, **window, **binarizers)
        self.classifier = nn.Linear(out, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(self.layer(self.stem(x)).mean((2, 3)))
        return logits


@pytest.mark.parametrize(
    ("channels", "out", "size", "window"),
    [
        (65, 3, 3, {"padding": 1, "stride": 2}),
        (12, 8, 3, {"padding": 2, "groups": 4, "dilation": 2}),
        (1, 1, 1, {}),
    ],
)
def test_two_values_that_are_not_opposite(
    tmp_path: Path, channels: int, out: int, size: int, window: dict[str, int]
) -> None:
    torch.manual_seed(0)
    model = _Adaptive(channels, out, size, **window)
    assert_same_again(tmp_path, randomise(model), (7, 6, 3), 5)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_resnet20_by_every_method(tmp_path: Path, method: str) -> None:
    model = network("resnet20", method, WHOLE)
    if method in ("xnor", "reactnet", "combined"):
        # Statistics as drawn give layers the same signs for all images, which is refused.
        train_briefly(model, WHOLE, classes=10)
    assert_same_again(tmp_path, model, WHOLE, 10)


@pytest.mark.slow
def test_vgg_small(tmp_path: Path) -> None:
    assert_same_again(tmp_path, network("vgg-small", "irnet", WHOLE), WHOLE, 10)
