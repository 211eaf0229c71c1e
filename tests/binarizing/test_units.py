"""Native training of networks that `binarize` made: the same results, by fewer calls."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.compiler.nets import randomise
from torch import Tensor, nn

from signbit.fast import use_native_ops
from signbit.nn import binarize, why


class Chains(nn.Module):
    """Pools, sums from either side, and values that two calls read."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.convs = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(5))
        self.norms = nn.ModuleList(nn.BatchNorm2d(16) for _ in range(6))
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norms[5](self.stem(x))
        x = x + self.norms[0](self.convs[0](x))
        y = self.norms[1](self.convs[1](x))
        y += x
        z = self.norms[2](self.convs[2](y))
        z = self.norms[3](self.convs[3](z + 2 * z)) + z
        z = self.norms[4](self.pool(self.convs[4](z)))
        result: Tensor = self.head(z.mean((2, 3)))
        return result


@pytest.mark.parametrize("method", ["bnn", "reactnet", "adabin", "xnor"])
def test_results_and_gradients_are_those_of_the_modules(method: str) -> None:
    torch.manual_seed(3)
    native = binarize(randomise(Chains()), method, input_size=(9, 6, 3), check=False).train()
    reference = copy.deepcopy(native)
    x = torch.randn(4, 3, 9, 6).to(memory_format=torch.channels_last)
    found = native(x)
    with use_native_ops(False):
        wanted = reference(x)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
    for y in (found, wanted):
        y.square().sum().backward()
    for (name, one), two in zip(native.named_parameters(), reference.parameters(), strict=True):
        assert one.grad is not None
        assert two.grad is not None
        scale = float(two.grad.abs().max()) + 1e-3
        torch.testing.assert_close(one.grad, two.grad, rtol=1e-3, atol=1e-3 * scale, msg=name)
    for (name, one), two in zip(native.named_buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-4, msg=name)


def test_native_ops_take_a_convolution_with_what_follows() -> None:
    binary = binarize(Chains(), "reactnet", input_size=(8, 8, 3), check=False).train()
    x = torch.randn(4, 3, 8, 8).to(memory_format=torch.channels_last)
    ways = {each.module: each.path for each in why(binary, x)}
    assert all(ways[name] == "unit" for name in ("stem", *(f"convs.{i}" for i in range(5))))


class Shared(nn.Module):
    """What a convolution gives is read twice; what one reads changes in place behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.conv = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(16)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.stem(x)
        y = self.norm1(y) - y
        dots = self.conv(y)
        y.mul_(0.5)
        result: Tensor = self.head((self.norm2(dots) + y).mean((2, 3)))
        return result


def test_what_is_read_elsewhere_or_changes_stays_as_it_is() -> None:
    model, x = randomise(Shared()), torch.randn(4, 3, 8, 8)
    same = binarize(model, "real", input_size=(8, 8, 3), check=False)
    with torch.no_grad():
        torch.testing.assert_close(same(x), model(x), rtol=1e-4, atol=1e-4)
    assert [each.path for each in why(same.train(), x)] == ["reference"]
