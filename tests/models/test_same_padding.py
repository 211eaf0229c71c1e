"""Padding "same" is TensorFlow's, and what compiles of it is exact."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.compiler.every_way import assert_exact
from tests.compiler.nets import randomise
from tests.compiler.small import narrow
from torch import Tensor, nn

from signbit import methods, models
from signbit.errors import InputError
from signbit.models.same_padding import with_same_padding
from signbit.nn.layers import BinaryConv2d


def by_hand(x: Tensor, kernel: int, stride: int, value: float) -> Tensor:
    """TensorFlow's rule for one axis after the other, as its documentation has it."""
    for axis in (2, 3):
        size = x.shape[axis]
        remainder = size % stride
        pad = max(kernel - (stride if remainder == 0 else remainder), 0)
        before, after = pad // 2, pad - pad // 2
        sides = (before, after) if axis == 3 else (0, 0, before, after)
        x = F.pad(x, sides, value=value)
    return x


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 7])
@pytest.mark.parametrize("stride", [2, 3])
@pytest.mark.parametrize("size", [(8, 8), (7, 9), (8, 5), (1, 1)])
def test_windows(kernel: int, stride: int, size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size)
    padding = kernel // 2
    real = with_same_padding(nn.Sequential, nn.Conv2d(3, 5, kernel, stride, padding))
    binary = with_same_padding(nn.Sequential, BinaryConv2d(3, 5, kernel, stride, padding))
    pool = with_same_padding(nn.Sequential, nn.MaxPool2d(kernel, stride, padding))
    # Without padding of its own a layer is left as "valid".
    padded = by_hand(x, kernel, stride, 0) if padding else x
    if min(padded.shape[2:]) < kernel:
        return
    expected = F.conv2d(padded, real[0].weight, real[0].bias, stride)
    torch.testing.assert_close(real(x), expected)
    signs = torch.where(x < 0, -1.0, 1.0)
    signs = by_hand(signs, kernel, stride, 0) if padding else signs
    weight = torch.where(binary[0].weight < 0, -1.0, 1.0)
    assert torch.equal(binary(x), F.conv2d(signs, weight, None, stride))
    outside = by_hand(x, kernel, stride, float("-inf")) if padding else x
    assert torch.equal(pool(x), F.max_pool2d(outside, kernel, stride))


def test_what_does_not_stride_is_as_it_was() -> None:
    layers = nn.Conv2d(3, 4, 3, padding=1), BinaryConv2d(4, 4, 3, padding=1), nn.MaxPool2d(3, 1, 1)
    network = with_same_padding(nn.Sequential, *layers)
    assert [type(module) for module in network] == [nn.Conv2d, BinaryConv2d, nn.MaxPool2d]


def test_signs_alone() -> None:
    layer = methods.get("xnor").conv2d(3, 4, 3, 2, 1)
    network = with_same_padding(nn.Sequential, layer)
    with pytest.raises(InputError, match="resnet-e"):
        network(torch.zeros(1, 3, 8, 8))


@pytest.mark.slow
@pytest.mark.parametrize(("architecture", "own"), [("resnet-e18", "resnet-e"), ("quicknet", "bnn")])
def test_compiled_networks_are_exact(
    monkeypatch: pytest.MonkeyPatch, architecture: str, own: str
) -> None:
    side = narrow(monkeypatch, architecture)
    torch.manual_seed(3)
    build = models._binary[architecture]
    model = with_same_padding(build, methods.get(own), classes=10, channels=3)
    # An odd row has no place in ResNet-E's averaged shortcuts.
    height = side + (architecture == "quicknet")
    assert_exact(randomise(model), (height, side, 3))
